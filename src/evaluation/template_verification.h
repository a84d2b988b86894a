#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/face_embedder.h"
#include "evaluation/template_protocol.h"

namespace retinaface::evaluation {

// What a recogniser makes of pairs of templates with the points that one detector gives it.

/// One detector's points, judged.
struct TemplateJudgement {
  std::string name;
  std::size_t missed_faces = 0;
  std::size_t missed_templates = 0;
  std::size_t missed_pairs = 0;
  std::size_t pairs = 0;
  FarRates rates;
  std::vector<RocPoint> curve;  ///< log_roc, 20 points in each power of ten
};

/// Embeds each face of the templates, read below `images`: where the list tells its box, the face
/// found that lies there, else the one in the image's middle; and judges `pairs`. Throws
/// Interrupted, and what reading and embedding throw.
TemplateJudgement judge_templates(const std::string& name, const std::filesystem::path& pairs,
                                  const TemplateList& templates,
                                  const std::filesystem::path& images, const FindFaces& find,
                                  FaceEmbedder& embedder, const RunControl& work);

}  // namespace retinaface::evaluation
