"""One run of a model, in which every number is followed from neurons to neurons."""
