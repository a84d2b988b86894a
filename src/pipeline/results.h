#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "retinaface/detector.h"
#include "retinaface/face_quality.h"

#include "pipeline/output_guard.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

constexpr int kDenseLandmarks = 68;

/// What lines of JSON say of each face beyond score, box and landmarks.
struct FaceFields {
  bool mesh = false;     ///< "mesh" and "pose"
  int landmarks = 5;     ///< or kDenseLandmarks: "landmarks_68" as well
  bool quality = false;  ///< "quality" and "pose", where that is not the mesh's

  /// Whether faces have to have their meshes.
  bool need_meshes() const { return mesh || landmarks == kDenseLandmarks; }
  bool any() const { return need_meshes() || quality; }
};

/// What was found in one image, or in one frame of a video.
struct ImageResult {
  std::filesystem::path path;
  int width = 0;
  int height = 0;
  std::vector<Face> faces;
  double ms = 0;  ///< that detection took, without reading the image
  std::optional<video::FrameStamp> frame = std::nullopt;  ///< which one it is, of a video
  std::vector<std::int64_t> tracks{};                     ///< of a frame: each face's
  FaceFields fields{};
  std::vector<FaceQuality> qualities{};          ///< each face's, where `fields` asks for them
  std::vector<std::vector<float>> embeddings{};  ///< each face's, or none at all
};

/// The first line of CSV, without its line break, and what COCO's JSON begins with; by these our
/// files are known, the latter if they are sealed (base/origin_seal.h).
std::string csv_head();
std::string coco_head();

/// One line of JSON without its line break: {"image", "width", "height", "faces": [{"score", "box":
/// [x0, y0, x1, y1], "landmarks": [[x, y] x5]}], "ms"}, lengths in pixels of the image as shown;
/// of a frame also "frame" and "time_s" and, of each face, "track"; "embedding", the vector of a
/// recogniser, where there is one; what `fields` asks for
/// (doc/output.md).
std::string to_json(const ImageResult& result);

/// One line of JSON for one face of an image, without its line break: {"image", "score", "box",
/// "landmarks"} as above and "embedding", its vector; or "row" in the vector's place, where it is
/// that row of a matrix.
std::string face_to_json(const ImageResult& result, std::size_t face,
                         std::optional<std::size_t> row = std::nullopt);

/// Writes FOLDER/EVENT/NAME.txt as WIDER FACE's evaluator reads it (see wider_file): its name, the
/// number of faces, then x y w h score a line. Returns the file's path. Throws Error or
/// std::filesystem::filesystem_error.
std::filesystem::path write_wider_file(const std::filesystem::path& folder,
                                       const ImageResult& result);

/// Where FOLDER/EVENT/NAME.txt of an image is, EVENT its parent folder; of a frame, EVENT is the
/// video's name and NAME its number and time, "000017_0.680s".
std::filesystem::path wider_file(const std::filesystem::path& folder,
                                 const std::filesystem::path& image,
                                 const std::optional<video::FrameStamp>& frame);

/// Tells the guard all files that write_wider_file may write for an input.
void announce_wider(const std::filesystem::path& folder, const std::filesystem::path& input,
                    bool is_video, OutputGuard& guard);

/// Removes what earlier runs wrote there of an input.
void remove_wider(const std::filesystem::path& folder, const std::filesystem::path& input,
                  bool is_video);

/// Whether the folder holds results of any image or frame in this form.
bool has_wider_results(const std::filesystem::path& folder);

/// Writes results in one of the formats of `detect`, image after image.
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  /// Throws Error or std::filesystem::filesystem_error.
  virtual void write(const ImageResult& result) = 0;
  /// After the last one.
  virtual void finish() {}
};

/// The format that the extension of a file of results stands for: .jsonl, .json, .csv; empty for
/// any other.
std::string result_format_of(const std::filesystem::path& file);

/// The formats' names, as --format takes them: "jsonl", "json", "csv", "coco", "wider".
const std::set<std::string>& result_formats();

/// Takes the text of results, piece after piece.
using TextSink = std::function<void(std::string_view)>;

/// `sink` is for the formats that are one stream, `folder` for those that are a folder (wider).
std::unique_ptr<ResultWriter> make_result_writer(const std::string& format, TextSink sink,
                                                 const std::filesystem::path& folder);

}  // namespace retinaface::pipeline
