from .api import extract as extract
from .api import extract_many as extract_many
from .api import feature_columns as feature_columns
from .api import read as read
from .reading import read_table as read_table
from .sidecar import check_same as check_same
from .sidecar import load_sidecar as load_sidecar
from .transformer import FeatureExtractor as FeatureExtractor
