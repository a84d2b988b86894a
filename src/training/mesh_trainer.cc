#include "training/mesh_trainer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "detection/detector_factory.h"
#include "mesh/topology.h"
#include "training/checksum.h"
#include "training/epoch_run.h"
#include "training/mesh_head.h"
#include "training/mesh_samples.h"
#include "training/run_folder.h"

namespace retinaface::training {
namespace {

struct Stage {
  const char* name;
  MeshStage schedule;
  MeshLossOptions loss;
};

std::vector<Stage> stages_of(const MeshRecipe& recipe) {
  MeshLossOptions points = recipe.loss;
  points.pixel_weight = 0;
  MeshLossOptions colors = recipe.loss;
  colors.pixel_to_geometry = 0;
  return {{"points", recipe.points, points},
          {"colors", recipe.colors, colors},
          {"all", recipe.all, recipe.loss}};
}

double distance(const Point& a, const Point& b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

class MeshTrainer {
 public:
  MeshTrainer(const MeshRecipe& recipe, const models::LoadedModel& model,
              const graph::Weights& decoder, std::span<const dataset::MeshLabel> labels,
              const MeshTrainingOptions& options)
      : recipe_(recipe),
        model_(model),
        decoder_weights_(decoder),
        options_(options),
        decoder_(decoder, "decoder"),
        losses_(PartGradients::kParts, MeshLoss(decoder_)),
        learnt_(samples(labels, false)),
        judged_(samples(labels, true)),
        head_(detection::DetectorFactory::mesh_head_size(detector()).first, learnt_, options.seed),
        gradients_(head_.values().size()),
        run_({.out = options.out,
              .seed = options.seed,
              .resume = options.resume,
              .stop = options.stop},
             description(labels), epochs(), head_.slots(), head_.values(), recipe.weight_decay) {}

  MeshTrainingResult run() {
    std::int64_t number = 0;
    for (const Stage& stage : stages_of(recipe_)) {
      for (int at = 0; at < stage.schedule.epochs; ++at, ++number) {
        if (number < run_.done()) continue;
        MeshProgress progress{
            .stage = stage.name, .epoch = at + 1, .epochs = stage.schedule.epochs};
        progress.loss = learn(stage, at, number);
        progress.figures = figures_ = judge(stage.loss);
        run_.end_epoch(line_of(progress));
        if (options_.progress) options_.progress(progress);
        if (run_.stopped()) return {false, figures_};
      }
    }
    write_model();
    return {true, figures_};
  }

 private:
  const Detector& detector() {
    if (!detector_) detector_.emplace(detection::DetectorFactory::make(model_));
    return *detector_;
  }

  std::vector<MeshSample> samples(std::span<const dataset::MeshLabel> labels, bool to_judge_by) {
    std::vector<dataset::MeshLabel> chosen;
    for (const dataset::MeshLabel& label : labels) {
      if (label.is_test != to_judge_by) continue;
      chosen.push_back(label);
      if (!to_judge_by && !recipe_.all_points) chosen.back().points_68.reset();
    }
    MeshSampleOptions options;
    options.images = options_.images;
    options.variants = to_judge_by ? 1 : recipe_.variants;
    options.plain = to_judge_by;
    const bool learns_vertices = recipe_.loss.vertex_weight + recipe_.loss.edge_weight > 0;
    if (learns_vertices && !to_judge_by) options.decoder = &decoder_;
    options.seed = options_.seed;
    options.threads = options_.threads;
    options.progress = [&](std::size_t done, std::size_t of) {
      if (options_.progress) {
        options_.progress({.stage = to_judge_by ? "faces to judge by" : "faces to learn",
                           .done = done,
                           .of = of});
      }
    };
    std::vector<MeshSample> result = make_mesh_samples(detector(), chosen, recipe_, options);
    if (result.empty() && !to_judge_by) {
      fail(ErrorCode::kBadData,
           "labels: expected faces to learn from, found none that the detector finds in {}",
           printable(options_.images));
    }
    return result;
  }

  std::int64_t epochs() const {
    std::int64_t sum = 0;
    for (const Stage& stage : stages_of(recipe_)) sum += stage.schedule.epochs;
    return sum;
  }

  MeshLossTerms learn(const Stage& stage, int at, std::int64_t number) {
    Random random = Random::of(options_.seed, number + 1);
    const std::vector<std::size_t> order = shuffled(learnt_.size(), random);
    const Epoch epoch = {.name = fmt::format("stage {}, epoch {}", stage.name, at + 1),
                         .number = number,
                         .at = at,
                         .of = stage.schedule.epochs,
                         .learning_rate = stage.schedule.learning_rate,
                         .samples = order.size(),
                         .max_batch = static_cast<std::size_t>(recipe_.batch)};
    const auto loss_of = [&](std::size_t first, std::size_t count) {
      return loss_of_batch(stage.loss, std::span(order).subspan(first, count));
    };
    const MeshLossTerms sum = run_.learn(epoch, loss_of, &MeshLossTerms::total);
    const double share = 1 / static_cast<double>(epoch.steps() * epoch.batch());
    return {.total = share * sum.total,
            .pixel = share * sum.pixel,
            .five = share * sum.five,
            .points = share * sum.points,
            .vertices = share * sum.vertices,
            .edges = share * sum.edges,
            .prior = share * sum.prior};
  }

  /// As EpochRun::learn asks for it.
  MeshLossTerms loss_of_batch(const MeshLossOptions& loss, std::span<const std::size_t> batch) {
    std::vector<MeshLossTerms> terms(PartGradients::kParts);
    gradients_(options_.threads, batch.size(), run_.gradient(),
               [&](std::size_t i, std::size_t part, std::span<float> gradient) {
                 const MeshSample& sample = learnt_[batch[i]];
                 const TrainableMeshHead::Pass pass = head_.forward(sample);
                 std::array<float, mesh::kParameters> by_parameters{};
                 terms[part] +=
                     losses_[part](pass.parameters, sample.target(), loss, by_parameters);
                 head_.backward(sample, pass, by_parameters, gradient);
               });
    MeshLossTerms sum;
    for (const MeshLossTerms& part : terms) sum += part;
    return sum;
  }

  MeshFigures judge(MeshLossOptions loss) {
    loss.pixel_weight = 1;
    MeshFigures figures;
    for (const MeshSample& sample : judged_) {
      const mesh::Parameters parameters = head_.forward(sample).parameters;
      std::array<float, mesh::kParameters> unused{};
      figures.pixel += losses_.front()(parameters, sample.target(), loss, unused).pixel;
      const std::array<Point, 68> points = losses_.front().points(parameters);
      const std::array<Point, 5> five = mesh::five_of(points);
      double sum = 0;
      for (std::size_t i = 0; i < five.size(); ++i) sum += distance(five[i], sample.five[i]) / 5;
      figures.nme_five += 100 * sum / static_cast<double>(sample.face_size);
      if (sample.points) {
        sum = 0;
        for (std::size_t i = mesh::kFirstInner68; i < points.size(); ++i) {
          sum += distance(points[i], (*sample.points)[i]) / 51;
        }
        figures.nme_51 += 100 * sum / static_cast<double>(sample.face_size);
      }
      ++figures.faces;
    }
    const auto count = static_cast<double>(std::max<std::size_t>(figures.faces, 1));
    figures.pixel /= count;
    figures.nme_five /= count;
    figures.nme_51 /= count;
    return figures;
  }

  static std::string line_of(const MeshProgress& p) {
    return fmt::format(
        "{{\"stage\": \"{}\", \"epoch\": {}, \"loss\": {:.6f}, \"pixel\": {:.6f}, \"five\": "
        "{:.6f}, \"points\": {:.6f}, \"vertices\": {:.6f}, \"edges\": {:.6f}, \"prior\": {:.6f}, "
        "\"judged_faces\": {}, \"judged_pixel\": "
        "{:.5f}, \"judged_nme_51\": {:.4f}, \"judged_nme_five\": {:.4f}}}\n",
        p.stage, p.epoch, p.loss.total, p.loss.pixel, p.loss.five, p.loss.points, p.loss.vertices,
        p.loss.edges, p.loss.prior, p.figures.faces, p.figures.pixel, p.figures.nme_51,
        p.figures.nme_five);
  }

  /// What must be the same for a run to go on.
  std::string description(std::span<const dataset::MeshLabel> labels) const {
    return to_toml(recipe_) +
           fmt::format(
               "# detector {}\n# decoder {:08x}\n# labels {:08x}, {} samples to learn, {} to "
               "judge by\n",
               models::mesh_mark(model_.weights), checksum(decoder_weights_), checksum(labels),
               learnt_.size(), judged_.size());
  }

  void write_model() const {
    models::LoadedModel whole = model_.clone();
    graph::Weights& weights = whole.weights;
    weights.metadata[std::string(models::kMeshMarkKey)] = models::mesh_mark(model_.weights);
    for (const auto& [name, tensor] : decoder_weights_.tensors) {
      // Of a whole model the decoder alone.
      if (name.starts_with("mesh.shape.") || name.starts_with("mesh.texture.")) {
        weights.tensors.emplace(name, tensor.clone());
      }
    }
    graph::Weights head = head_.weights();
    weights.tensors.merge(head.tensors);
    graph::write_safetensors(options_.out / kLastFile, weights);
  }

  const MeshRecipe& recipe_;
  const models::LoadedModel& model_;
  const graph::Weights& decoder_weights_;
  const MeshTrainingOptions& options_;
  std::optional<Detector> detector_;
  mesh::Decoder decoder_;
  std::vector<MeshLoss> losses_;
  std::vector<MeshSample> learnt_;
  std::vector<MeshSample> judged_;
  TrainableMeshHead head_;
  PartGradients gradients_;
  EpochRun run_;
  MeshFigures figures_;
};

}  // namespace

MeshTrainingResult train_mesh(const MeshRecipe& recipe, const models::LoadedModel& model,
                              const graph::Weights& decoder,
                              std::span<const dataset::MeshLabel> labels,
                              const MeshTrainingOptions& options) {
  check_folder_of_mesh_run(options.out, options.resume);
  return MeshTrainer(recipe, model, decoder, labels, options).run();
}

}  // namespace retinaface::training
