from .run import Audit as Audit
from .run import audit as audit
