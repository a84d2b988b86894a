#include "pipeline/own_output.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_mark.h"
#include "base/origin_seal.h"
#include "base/text.h"
#include "evaluation/wider_predictions.h"
#include "image/codecs/image_origin.h"
#include "models/load_model.h"
#include "pipeline/npy.h"
#include "pipeline/own_results.h"
#include "pipeline/results.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Enough of a file's beginning and end for all marks.
struct Edges {
  std::string beginning;
  std::string end;
};

Edges edges_of(const fs::path& path) {
  constexpr std::size_t kBytes = kSealEdgeBytes;
  std::ifstream file(path, std::ios::binary);
  Edges edges;
  edges.beginning.resize(kBytes);
  file.read(edges.beginning.data(), static_cast<std::streamsize>(kBytes));
  edges.beginning.resize(static_cast<std::size_t>(file.gcount()));
  if (!file) {
    edges.end = edges.beginning;  // which is all of it
    return edges;
  }
  file.seekg(-static_cast<std::streamoff>(kBytes), std::ios::end);
  edges.end.resize(kBytes);
  file.read(edges.end.data(), static_cast<std::streamsize>(kBytes));
  edges.end.resize(static_cast<std::size_t>(file.gcount()));
  return edges;
}

bool is_marked_image(const Edges& edges) {
  const auto beginning = std::as_bytes(std::span(edges.beginning));
  const auto end = std::as_bytes(std::span(edges.end));
  return has_origin_mark(beginning.first(std::min(beginning.size(), kImageOriginBytes)),
                         end.last(std::min(end.size(), kImageOriginBytes)));
}

/// Marked, and not edited since.
bool is_own_image(const fs::path& path, const Edges& edges) {
  return is_marked_image(edges) && is_as_marked(read_file(path));
}

bool says_origin(const json& value) {
  return value.is_object() && value.value("origin", json()) == kOriginMark;
}

/// Figures: an object that says so, or a list of such.
bool is_report(const fs::path& path, const Edges& edges) {
  const auto begins_as_json = edges.beginning.find_first_not_of(" \t\r\n");
  if (begins_as_json == std::string::npos ||
      (edges.beginning[begins_as_json] != '{' && edges.beginning[begins_as_json] != '[')) {
    return false;
  }
  const std::vector<std::byte> bytes = read_file(path);
  const json report = json::parse(text_of(bytes), nullptr, false);
  if (!report.is_array()) return says_origin(report);
  return !report.empty() && std::ranges::all_of(report, says_origin);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A safetensors header begins after its length of eight bytes; ours names our format and a model.
bool is_weights(std::string_view text) {
  constexpr std::size_t kLength = 8;
  return text.size() > kLength && text[kLength] == '{' && contains(text, "\"__metadata__\":{") &&
         contains(text, fmt::format(R"("format":"{}")", models::kFileFormat)) &&
         contains(text, R"("model":")");
}

/// ONNX begins with its version (field 1) and its producer (field 2 of protobuf's).
bool is_onnx(std::string_view text) {
  constexpr std::size_t kVersionBytes = 2;
  return text.size() > kVersionBytes &&
         text.substr(kVersionBytes).starts_with("\x12\x0Aretinaface");
}

/// Exactly as we write them: the ground truth of one image has the same form, with more numbers.
bool is_predictions(const fs::path& path) {
  try {
    const std::vector<std::byte> bytes = read_file(path);
    const std::string text(text_of(bytes));
    const std::string image = text.substr(0, text.find('\n'));
    return text ==
           evaluation::format_wider_predictions(image, evaluation::read_wider_predictions(path));
  } catch (const Error&) {
    return false;
  }
}

bool is_numbered_name(const std::string& stem) {
  return !stem.empty() && std::isdigit(static_cast<unsigned char>(stem[0])) != 0 &&
         stem.find_first_not_of("0123456789_.s") == std::string::npos;
}

}  // namespace

std::string name_of(OutputKind kind) {
  switch (kind) {
    case OutputKind::kResults:
      return "results of detect";
    case OutputKind::kImage:
      return "an image that it wrote";
    case OutputKind::kMesh:
      return "a mesh that it wrote";
    case OutputKind::kVideo:
      return "a video that it wrote";
    case OutputKind::kPredictions:
      return "WIDER FACE's form of results";
    case OutputKind::kWeights:
      return "weights that it wrote";
    case OutputKind::kOnnx:
      return "an ONNX file that it wrote";
    case OutputKind::kReport:
      return "figures that it wrote";
    case OutputKind::kRequest:
      return "the record of a run";
    case OutputKind::kFigure:
      return "curves that it drew";
    case OutputKind::kPage:
      return "a page that it wrote";
    case OutputKind::kAnnotations:
      return "annotations that it wrote with a mark";
    case OutputKind::kVectors:
      return "vectors of faces that it wrote";
  }
  RF_CHECK(false);
}

bool is_own_output(const fs::path& path, OutputKind kind) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error || fs::is_directory(status)) return false;
  if (!fs::is_regular_file(status)) return true;
  if (fs::file_size(path, error) == 0) return true;
  const Edges edges = edges_of(path);
  const bool is_whole = edges.beginning.size() == fs::file_size(path, error);
  try {
    switch (kind) {
      case OutputKind::kResults:
        return is_own_results(edges.beginning, is_whole) ||
               (edges.beginning.starts_with(coco_head()) && is_sealed(path));
      case OutputKind::kImage:
        return is_own_image(path, edges);
      case OutputKind::kWeights:
        return is_weights(edges.beginning);
      case OutputKind::kOnnx:
        return is_onnx(edges.beginning);
      case OutputKind::kVectors:
        return is_own_npy(edges.beginning) || is_own_vectors(edges.beginning, is_whole);
      case OutputKind::kReport:
      case OutputKind::kRequest:
        return is_report(path, edges);
      case OutputKind::kFigure:
        return is_own_image(path, edges) || is_sealed(path);
      case OutputKind::kPredictions:
        return is_predictions(path);
      case OutputKind::kMesh:
      case OutputKind::kPage:
      case OutputKind::kVideo:
      case OutputKind::kAnnotations:
        return is_sealed(path);
    }
  } catch (const Error&) {
    return false;  // it cannot be read
  }
  RF_CHECK(false);
}

bool is_marked(const fs::path& path, OutputKind kind) {
  RF_CHECK(kind == OutputKind::kImage || kind == OutputKind::kVideo);
  const Edges edges = edges_of(path);
  if (kind == OutputKind::kImage) return is_marked_image(edges);
  return contains(edges.beginning, kOriginMark) || contains(edges.end, kOriginMark);
}

void remove_own(const fs::path& path, OutputKind kind) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) == 0) return;
  if (!is_own_output(path, kind)) return;
  fs::remove(path, error);
  if (error) {
    fail(ErrorCode::kUnwritable, "{}: cannot be removed, as a new run asks for: {}",
         printable(path), error.message());
  }
}

void remove_own(const NumberedFiles& numbered) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(numbered.folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == numbered.extension && is_numbered_name(path.stem().string())) {
      files.push_back(path);
    }
  }
  for (const fs::path& path : files) remove_own(path, numbered.kind);
}

}  // namespace retinaface::pipeline
