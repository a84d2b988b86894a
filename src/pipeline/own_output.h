#pragma once

#include <filesystem>
#include <string>

namespace retinaface::pipeline {

/// What a command writes into a file.
enum class OutputKind {
  kResults,      ///< of detect: JSON lines or an array of them, CSV or COCO's JSON
  kMesh,         ///< .obj or .ply
  kImage,        ///< JPEG, PNG or WebP
  kVideo,        ///< MP4, MOV or Matroska
  kPredictions,  ///< WIDER FACE's file of one image
  kWeights,      ///< .safetensors
  kOnnx,
  kReport,       ///< figures as JSON
  kRequest,      ///< what a run was asked for, beside its results
  kFigure,       ///< curves as PNG, SVG or PDF
  kPage,         ///< HTML
  kVectors,      ///< embeddings of faces: JSON lines or .npy
  kAnnotations,  ///< of a data set: COCO's and VOC's have a mark, the other formats have no place
                 ///< for one
};

/// "results", "an image", ...: what a message calls it.
std::string name_of(OutputKind kind);

/// Whether the file's content shows that this program wrote it, as that kind of output, and that
/// nobody has worked on it since, as far as can be told: its form, its metadata, or a mark with a
/// checksum, which all of a file of gigabytes is read for. An empty file, which holds nothing to
/// lose, counts as ours, and so does what is no regular file (a terminal, a pipe, /dev/null), where
/// nothing is replaced. A file that cannot be read does not.
bool is_own_output(const std::filesystem::path& path, OutputKind kind);

/// Whether an image or a video bears our mark, whatever was done to it since. The file is there.
bool is_marked(const std::filesystem::path& path, OutputKind kind);

/// Removes a file whose content shows that it is ours; an empty one, which shows nothing, stays.
/// Throws Error(kUnwritable).
void remove_own(const std::filesystem::path& path, OutputKind kind);

/// Any number of files of one kind in a folder, named by numbers as those of faces and frames are:
/// "0", "000017_2", "000017_0.680s".
struct NumberedFiles {
  std::filesystem::path folder;
  std::string extension;  ///< with the dot
  OutputKind kind;
};

/// Removes those that are there and whose content is ours: what an earlier run left would look like
/// a part of what is written next. Throws Error(kUnwritable).
void remove_own(const NumberedFiles& numbered);

}  // namespace retinaface::pipeline
