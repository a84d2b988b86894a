#include "training/mesh_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/parallel.h"
#include "base/random.h"
#include "detection/detector_factory.h"
#include "mesh/topology.h"
#include "training/checkpoint.h"
#include "training/growing_file.h"
#include "training/loss_explosion.h"
#include "training/mesh_head.h"
#include "training/mesh_samples.h"
#include "training/run_folder.h"
#include "training/schedule.h"

namespace retinaface::training {
namespace {

/// Parts of a batch whose gradients are summed by themselves, in their order: what comes out does
/// not depend on the number of threads.
constexpr std::size_t kParts = 8;

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

class Trainer {
 public:
  Trainer(const MeshRecipe& recipe, const models::LoadedModel& model, const graph::Weights& decoder,
          std::span<const dataset::MeshLabel> labels, const MeshTrainingOptions& options)
      : recipe_(recipe),
        model_(model),
        decoder_weights_(decoder),
        options_(options),
        decoder_(decoder, "decoder"),
        losses_(kParts, MeshLoss(decoder_)),
        learnt_(samples(labels, false)),
        judged_(samples(labels, true)),
        head_(DetectorFactory::mesh_head_size(detector()).first, learnt_, options.seed),
        optimizer_(head_.slots(), {.method = Method::kAdamW,
                                   .momentum = 0.9F,
                                   .square_decay = 0.99F,
                                   .weight_decay = recipe.weight_decay,
                                   .decay_norms_and_biases = false}) {}

  MeshTrainingResult run() {
    make_folders(options_.out);
    const FolderLock lock(options_.out);
    const std::filesystem::path checkpoint_file = options_.out / kCheckpointFile;
    std::int64_t epochs_done = 0;
    if (options_.resume) epochs_done = restore(checkpoint_file);
    GrowingFile metrics(options_.out / kMetricsFile, logged_);
    std::int64_t epoch_number = 0;
    for (const Stage& stage : stages_of(recipe_)) {
      for (int epoch = 0; epoch < stage.schedule.epochs; ++epoch) {
        if (epoch_number++ < epochs_done) continue;
        MeshProgress progress{
            .stage = stage.name, .epoch = epoch + 1, .epochs = stage.schedule.epochs};
        progress.loss = run_epoch(stage, epoch, epoch_number);
        progress.figures = figures_ = judge(stage.loss);
        metrics.append(line_of(progress));
        logged_ = metrics.bytes();
        save(checkpoint_file, epoch_number);
        if (options_.progress) options_.progress(progress);
        if (options_.stop != nullptr && *options_.stop) return {false, figures_};
      }
    }
    write_model();
    return {true, figures_};
  }

 private:
  const Detector& detector() {
    if (!detector_) detector_.emplace(DetectorFactory::make(model_));
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

  MeshLossTerms run_epoch(const Stage& stage, int epoch, std::int64_t epoch_number) {
    std::vector<std::size_t> order(learnt_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random random = Random::of(options_.seed, epoch_number);
    random.shuffle(std::span<std::size_t>(order));
    const auto batch = std::min(static_cast<std::size_t>(recipe_.batch), order.size());
    const std::size_t steps = order.size() / batch;
    const ScheduleOptions schedule = {.learning_rate = stage.schedule.learning_rate,
                                      .epochs = stage.schedule.epochs,
                                      .decay = Decay::kCosine,
                                      .final_factor = 0.02F};
    MeshLossTerms sum;
    LossExplosion explosion;
    const auto end_at = [&](const std::string& fault) {
      if (fault.empty()) return;
      fail(ErrorCode::kBadData,
           "stage {}, epoch {}: {}; lower the learning rate ({}) and train into another folder",
           stage.name, epoch + 1, fault, stage.schedule.learning_rate);
    };
    const auto loss_of = [&](std::size_t step) {
      return run_step(stage.loss, std::span(order).subspan(step * batch, batch));
    };
    for (std::size_t step = 0; step < steps; ++step) {
      const MeshLossTerms terms = loss_of(step);
      sum += terms;
      end_at(explosion.fault_of(terms.total / static_cast<double>(batch)));
      const double rate = learning_rate(
          schedule, static_cast<std::int64_t>(static_cast<std::size_t>(epoch) * steps + step),
          static_cast<std::int64_t>(steps));
      optimizer_.step(rate, steps_++, gradient_, head_.values());
    }
    // A step's loss is that of the weights before it: of those that are written now it is taken
    // again.
    const double last = loss_of(steps - 1).total;
    end_at(explosion.fault_alone(last / static_cast<double>(batch)));
    const double share = 1 / static_cast<double>(steps * batch);
    return {.total = share * sum.total,
            .pixel = share * sum.pixel,
            .five = share * sum.five,
            .points = share * sum.points,
            .vertices = share * sum.vertices,
            .edges = share * sum.edges,
            .prior = share * sum.prior};
  }

  /// Leaves the mean gradient in gradient_.
  MeshLossTerms run_step(const MeshLossOptions& loss, std::span<const std::size_t> batch) {
    const std::size_t size = head_.values().size();
    std::vector<std::vector<float>> gradients(kParts, std::vector<float>(size));
    std::vector<MeshLossTerms> terms(kParts);
    for_each_item(options_.threads, kParts, [&](std::size_t part, std::size_t) {
      for (std::size_t i = part; i < batch.size(); i += kParts) {
        const MeshSample& sample = learnt_[batch[i]];
        const TrainableMeshHead::Pass pass = head_.forward(sample);
        std::array<float, mesh::kParameters> by_parameters{};
        terms[part] += losses_[part](pass.parameters, sample.target(), loss, by_parameters);
        head_.backward(sample, pass, by_parameters, gradients[part]);
      }
    });
    gradient_.assign(size, 0);
    const float share = 1 / static_cast<float>(batch.size());
    MeshLossTerms sum;
    for (std::size_t part = 0; part < kParts; ++part) {
      for (std::size_t i = 0; i < size; ++i) gradient_[i] += share * gradients[part][i];
      sum += terms[part];
    }
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
  std::string run_key() const {
    std::string key = fmt::format("mesh {} {} {} {}", models::mesh_mark(model_.weights),
                                  learnt_.size(), judged_.size(), recipe_.batch);
    for (const MeshStage& stage : {recipe_.points, recipe_.colors, recipe_.all}) {
      key += fmt::format(" {} {}", stage.epochs, stage.learning_rate);
    }
    const MeshLossOptions& loss = recipe_.loss;
    for (const float value :
         {recipe_.min_face_px, recipe_.max_face_px, recipe_.turn_degrees, recipe_.cut,
          recipe_.weight_decay, loss.pixel_weight, loss.pixel_to_geometry, loss.five_weight,
          loss.points_weight, loss.outline_weight, loss.vertex_weight, loss.edge_weight,
          loss.shape_prior, loss.texture_prior, loss.pose_prior}) {
      key += fmt::format(" {}", value);
    }
    return key;
  }

  void save(const std::filesystem::path& file, std::int64_t epochs) {
    Checkpoint checkpoint;
    checkpoint.step = epochs;
    checkpoint.seed = options_.seed;
    checkpoint.run = run_key() + fmt::format(" {}", steps_);
    checkpoint.logged.metrics = logged_;
    checkpoint.values.assign(head_.values().begin(), head_.values().end());
    checkpoint.optimizer = optimizer_.state();
    write_checkpoint(file, checkpoint, head_.slots());
  }

  std::int64_t restore(const std::filesystem::path& file) {
    Checkpoint checkpoint = read_checkpoint(file, head_.slots());
    const std::size_t end = checkpoint.run.rfind(' ');
    if (checkpoint.seed != options_.seed || checkpoint.run.substr(0, end) != run_key()) {
      fail(ErrorCode::kBadData,
           "{}: expected a run with the same seed, recipe, labels and detector, found another; "
           "begin without --resume",
           printable(file));
    }
    steps_ = std::stoll(checkpoint.run.substr(end + 1));
    logged_ = checkpoint.logged.metrics;
    std::ranges::copy(checkpoint.values, head_.values().begin());
    optimizer_.restore(std::move(checkpoint.optimizer));
    return checkpoint.step;
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
  Optimizer optimizer_;
  std::vector<float> gradient_;
  std::int64_t steps_ = 0;
  std::uint64_t logged_ = 0;
  MeshFigures figures_;
};

}  // namespace

MeshTrainingResult train_mesh(const MeshRecipe& recipe, const models::LoadedModel& model,
                              const graph::Weights& decoder,
                              std::span<const dataset::MeshLabel> labels,
                              const MeshTrainingOptions& options) {
  check_folder_of_mesh_run(options.out, options.resume);
  return Trainer(recipe, model, decoder, labels, options).run();
}

}  // namespace retinaface::training
