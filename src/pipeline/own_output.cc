#include "pipeline/own_output.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_mark.h"
#include "base/text.h"
#include "evaluation/wider_predictions.h"
#include "image/codecs/image_origin.h"
#include "pipeline/npy.h"

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
  constexpr std::size_t kBytes = std::size_t{256} << 10;
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

bool has_keys(std::string_view line, const char* a, const char* b) {
  const json object = json::parse(line, nullptr, false);
  return object.is_object() && object.contains(a) && object.contains(b);
}

/// A line of JSON with "image" and "faces", or the beginning of one that was not finished.
bool is_json_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return text.starts_with(R"({"image": ")");
  std::string_view first = text.substr(0, end);
  if (first.ends_with(',')) first.remove_suffix(1);  // of an array
  return has_keys(first, "image", "faces");
}

/// Vectors of faces: their first line, however many numbers it has, or a matrix.
bool is_vectors(std::string_view text) {
  return is_own_npy(text) || has_keys(text.substr(0, text.find('\n')), "image", "embedding");
}

bool is_results(std::string_view text) {
  constexpr std::string_view kArray = "[\n";
  return text.starts_with("image,width,height,score,x0,y0,x1,y1,") ||
         text.starts_with(R"({"categories": [{"id": 1, "name": "face", "keypoints": [)") ||
         is_json_line(text) || text == "[" || text == "[\n]\n" ||
         (text.starts_with(kArray) && is_json_line(text.substr(kArray.size())));
}

bool is_marked_image(const Edges& edges) {
  const auto beginning = std::as_bytes(std::span(edges.beginning));
  const auto end = std::as_bytes(std::span(edges.end));
  return has_origin_mark(beginning.first(std::min(beginning.size(), kImageOriginBytes)),
                         end.last(std::min(end.size(), kImageOriginBytes)));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A safetensors header begins after its length of eight bytes; ours names the format and a model.
bool is_weights(std::string_view text) {
  constexpr std::size_t kLength = 8;
  return text.size() > kLength && text[kLength] == '{' && contains(text, "\"__metadata__\":{") &&
         contains(text, R"("format":")") && contains(text, R"("model":")");
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
  if (kind == OutputKind::kPredictions) return is_predictions(path);
  const Edges edges = edges_of(path);
  switch (kind) {
    case OutputKind::kResults:
      return is_results(edges.beginning);
    case OutputKind::kImage:
      return is_marked_image(edges);
    case OutputKind::kWeights:
      return is_weights(edges.beginning);
    case OutputKind::kOnnx:
      return is_onnx(edges.beginning);
    case OutputKind::kVectors:
      return is_vectors(edges.beginning);
    case OutputKind::kFigure:
      return is_marked_image(edges) || contains(edges.end, kOriginMark);
    default:
      return contains(edges.beginning, kOriginMark) || contains(edges.end, kOriginMark);
  }
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
