from .differences import Differences as Differences
from .differences import compare_people as compare_people
from .people import DEFAULT_COLUMNS as DEFAULT_COLUMNS
from .people import People as People
from .people import make_people as make_people
from .people import read_people as read_people
from .ratio import Ratio as Ratio
from .ratio import likelihood_ratio as likelihood_ratio
