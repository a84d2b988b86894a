#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::cli {

/// What was found in one picture.
struct PictureResult {
  std::filesystem::path path;
  int width = 0;
  int height = 0;
  std::vector<Face> faces;
  double ms = 0;  ///< that detection took, without reading the picture
};

/// One line of JSON without its line break: {"image", "width", "height", "faces": [{"score", "box":
/// [x0, y0, x1, y1], "landmarks": [[x, y] x5]}], "ms"}, lengths in pixels of the picture as shown
/// (doc/output.md).
std::string to_json(const PictureResult& result);

/// Writes FOLDER/EVENT/NAME.txt as WIDER FACE's evaluator reads it, EVENT the picture's parent
/// folder: its name, the number of faces, then x y w h score a line. Returns the file's path.
/// Throws Error or std::filesystem::filesystem_error.
std::filesystem::path write_wider_file(const std::filesystem::path& folder,
                                       const PictureResult& result);

/// Where FOLDER/EVENT/NAME.txt of a picture is.
std::filesystem::path wider_file(const std::filesystem::path& folder,
                                 const std::filesystem::path& picture);

/// Writes results in one of the formats of `detect`, picture after picture.
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  /// Throws Error or std::filesystem::filesystem_error.
  virtual void write(const PictureResult& result) = 0;
  /// After the last one.
  virtual void finish() {}
};

/// The formats' names, as --format takes them: "jsonl", "csv", "coco", "wider".
const std::set<std::string>& result_formats();

/// `file` is for the formats that are one stream, `folder` for those that are a folder (wider).
/// Both must outlive the writer.
std::unique_ptr<ResultWriter> make_result_writer(const std::string& format, std::FILE* file,
                                                 const std::filesystem::path& folder);

}  // namespace retinaface::cli
