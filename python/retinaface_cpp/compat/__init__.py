"""For code that was written for OpenCV's FaceDetectorYN or insightface's FaceAnalysis: the same
calls, arrays of the same shapes, types and order, by this package's detector. doc/python.md shows
programs before and after, and says what is different."""

from .insightface import FaceAnalysis
from .opencv import FaceDetectorYN, FaceDetectorYN_create

__all__ = ["FaceAnalysis", "FaceDetectorYN", "FaceDetectorYN_create"]
