#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "evaluation/wider_protocol.h"

namespace retinaface::evaluation {

/// Reads what a detector found in one image, in the form that WIDER FACE asks for:
///   line 1   the image's name, which nobody relies on
///   line 2   how many detections follow
///   then     x y width height score, a line each; further numbers on it are ignored
/// Coordinates and scores must be finite; scores may have any scale.
/// Throws Error as read_file does, or kBadData with file and line.
std::vector<Detection> read_wider_predictions(const std::filesystem::path& path);

/// The same faces in WIDER's terms.
std::vector<Detection> to_wider(std::span<const Face> faces);

/// The text of such a file. `image` is its first line, "EVENT/NAME". Coordinates are written to
/// a hundredth of a pixel, scores to five decimals.
std::string format_wider_predictions(const std::string& image,
                                     std::span<const Detection> detections);

}  // namespace retinaface::evaluation
