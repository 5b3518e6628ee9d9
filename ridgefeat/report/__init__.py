"""Pages and pictures: what is shown to a person."""
