#include "evaluation/template_verification.h"

#include "base/file.h"

namespace retinaface::evaluation {

TemplateJudgement judge_templates(const std::string& name, const std::filesystem::path& pairs,
                                  const TemplateList& templates,
                                  const std::filesystem::path& images, const FindFaces& find,
                                  FaceEmbedder& embedder, const RunControl& work) {
  TemplatePool pool(templates);
  for_each_in_order(
      work, templates.faces.size(),
      [&](std::size_t i) {
        const TemplateFace& face = templates.faces[i];
        const std::filesystem::path path = images / face.image;
        return embedder.embed({printable(path), read_file(path)}, [&](const Image& image) {
          const std::vector<Face> faces = find(image);
          return face.box ? points_in_box(faces, *face.box) : points_in_the_middle(faces, image);
        });
      },
      [&](const Embedding& embedding) { pool.add(embedding); });
  pool.finish();
  TemplateJudgement judgement;
  judgement.name = name;
  judgement.missed_faces = pool.missed_faces();
  judgement.missed_templates = pool.missed_templates();
  PairScores scores = score_template_pairs(pairs, templates, pool);
  judgement.missed_pairs = scores.same_missed + scores.different_missed;
  judgement.pairs = scores.same_count() + scores.different_count();
  judgement.rates = far_rates(scores);
  constexpr int kPerDecade = 20;
  judgement.curve = log_roc(scores, kPerDecade);
  return judgement;
}

}  // namespace retinaface::evaluation
