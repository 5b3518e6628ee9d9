from .duplicates import resolve as resolve
from .inputs import AuditInput as AuditInput
from .inputs import read_input as read_input
from .run import Audit as Audit
from .run import audit as audit
from .run import audit_input as audit_input
from .table import AuditParams as AuditParams
from .table import Finding as Finding
