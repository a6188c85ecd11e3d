"""Networks that draw boxes, on torchvision's parts: anchors, region proposals, RoIAlign, non-maximum suppression."""
