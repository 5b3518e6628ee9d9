from .duplicates import resolve as resolve
from .run import Audit as Audit
from .run import audit as audit
from .table import AuditParams as AuditParams
from .table import Finding as Finding
