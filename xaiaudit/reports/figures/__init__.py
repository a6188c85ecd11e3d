"""Pictures of a report, one a file: an Audit in, an SVG or PNG out, the same bytes for the same input."""
