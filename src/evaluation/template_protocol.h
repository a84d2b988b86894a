#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "retinaface/geometry.h"

#include "evaluation/false_accepts.h"

namespace retinaface::evaluation {

// Verification by templates, IJB-C's 1:1 protocol (Maze et al. 2018): a template is all that is
// known of a person in one place, images and videos; pairs of templates are compared.

/// One face of a template.
struct TemplateFace {
  std::string image;        ///< path below the set's folder
  std::uint32_t place = 0;  ///< of its template among TemplateList::templates
  std::int64_t media = 0;   ///< the same for all frames of one video
  /// Which of the image's faces it is, where the list tells, px.
  std::optional<Box> box = {};
};

struct TemplateList {
  std::vector<std::int64_t> templates;  ///< their numbers in the files, rising
  std::vector<std::int64_t> subjects;   ///< whose each is; empty where the list does not tell
  std::vector<TemplateFace> faces;      ///< by template, then by media, then as in the files

  std::optional<std::uint32_t> find(std::int64_t number) const;
};

/// Reads lists of faces, of one of two forms: lines "IMAGE TEMPLATE MEDIA" (ijbc_face_tid_mid.txt),
/// or NIST's tables, comma-separated below a line of names with TEMPLATE_ID, SUBJECT_ID, FILENAME,
/// FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT and SIGHTING_ID, the media (ijbc_1N_gallery_G1.csv,
/// ijbc_1N_gallery_G2.csv, ijbc_1N_probe_mixed.csv). Throws Error, the path and line first.
TemplateList read_templates(const std::vector<std::filesystem::path>& paths);

/// Hands on each pair of a list, in its order: lines "A B 1" or "A B 0" for templates of one person
/// or not (ijbc_template_pair_label.txt); or "A,B" (ijbc_11_G1_G2_matches.csv), which needs the
/// subjects. The file is not held in memory. Throws Error, the path and line first.
void for_each_template_pair(
    const std::filesystem::path& path, const TemplateList& templates,
    const std::function<void(std::uint32_t a, std::uint32_t b, bool same)>& take);

/// Makes a vector of each template out of its faces' embeddings, which come in the order of
/// TemplateList::faces: the mean of each media, their sum, of length 1. Holds one vector a template
/// and that of one media, however many faces there are.
class TemplatePool {
 public:
  explicit TemplatePool(const TemplateList& templates) : templates_(templates) {}

  /// `embedding`: nothing where the face was not found.
  void add(const std::optional<std::vector<float>>& embedding);

  /// To be called after the last face.
  void finish();

  std::size_t missed_faces() const { return missed_faces_; }
  /// Templates without any face.
  std::size_t missed_templates() const;

  /// The cosine between two; nothing where one has no face.
  std::optional<float> similarity(std::uint32_t a, std::uint32_t b) const;

 private:
  void close_media();
  void close_template();

  const TemplateList& templates_;
  std::size_t next_ = 0;    ///< face
  std::size_t size_ = 0;    ///< values of an embedding
  std::vector<float> all_;  ///< by template, `size_` values each
  std::vector<bool> has_;   ///< by template
  std::vector<double> media_sum_;
  std::size_t media_count_ = 0;
  std::vector<double> template_sum_;
  std::size_t missed_faces_ = 0;
};

/// The scores of all pairs of a list.
PairScores score_template_pairs(const std::filesystem::path& pairs, const TemplateList& templates,
                                const TemplatePool& pool);

}  // namespace retinaface::evaluation
