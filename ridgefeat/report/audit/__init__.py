"""The leak audit as a page of its own, and as a part of other pages."""
