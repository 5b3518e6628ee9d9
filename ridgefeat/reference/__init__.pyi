from .conformity import Conformity as Conformity
from .conformity import check_table as check_table
from .conformity import load_reference as load_reference
from .conformity import write_phantoms as write_phantoms
from .phantoms import Phantom as Phantom
from .phantoms import make_phantoms as make_phantoms
from .phantoms import make_prints as make_prints
