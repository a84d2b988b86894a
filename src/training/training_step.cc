#include "training/training_step.h"

#include <algorithm>

#include "base/check.h"
#include "base/cpu.h"
#include "detection/preprocess.h"

namespace retinaface::training {
namespace {

runtime::TrainableOptions network_options(const Recipe& recipe, runtime::ProcessGroup& processes) {
  runtime::TrainableOptions options;
  options.precision = usable_arithmetic(recipe) == Arithmetic::kBfloat16
                          ? runtime::Precision::kBfloat16
                          : runtime::Precision::kFloat32;
  options.frozen = recipe.frozen;
  options.frozen_statistics = recipe.frozen_statistics;
  options.recompute = recipe.recompute;
  if (processes.processes() > 1) {
    options.sum_over_processes = [&processes](std::span<double> values) { processes.sum(values); };
  }
  return options;
}

}  // namespace

Arithmetic usable_arithmetic(const Recipe& recipe) {
  return has_bfloat16_products() ? recipe.arithmetic : Arithmetic::kFloat32;
}

TrainingStep::TrainingStep(const Recipe& recipe, const models::Model& model,
                           const graph::Weights& weights, runtime::ProcessGroup& processes,
                           Teacher* teacher)
    : recipe_(recipe),
      model_(model),
      processes_(processes),
      teacher_(teacher),
      graph_(model.network.build()),
      network_(graph_, weights, network_options(recipe, processes)),
      gradients_(graph_.outputs().size()) {}

void TrainingStep::fill_input(std::span<const dataset::Sample> samples) {
  const auto side = static_cast<std::size_t>(recipe_.side_px);
  input_.resize(samples.size() * side * side * 3);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    RF_CHECK(samples[i].image.width() == recipe_.side_px &&
             samples[i].image.height() == recipe_.side_px);
    detection::preprocess_interleaved(
        samples[i].image, model_.network.preprocessing,
        std::span(input_).subspan(i * side * side * 3, side * side * 3));
  }
}

NetworkOutputs TrainingStep::collect_outputs() {
  NetworkOutputs outputs(model_.detector.heads.size());
  for (const std::vector<std::size_t>& level : models::head_outputs(graph_, model_.detector)) {
    for (std::size_t h = 0; h < level.size(); ++h) {
      const runtime::OutputBatch output = network_.output(level[h]);
      std::vector<float>& gradients = gradients_[level[h]];
      gradients.resize(output.size());
      outputs[h].values.emplace_back(output.data, output.size());
      outputs[h].gradients.emplace_back(gradients);
    }
  }
  return outputs;
}

LossValues TrainingStep::forward_backward_part(std::span<const dataset::Sample> samples,
                                               std::span<const ImageTarget> targets,
                                               const LossCounts& counts) {
  const std::int64_t side = recipe_.side_px;
  fill_input(samples);
  network_.forward(input_, static_cast<std::int64_t>(samples.size()), side, side);
  const NetworkOutputs outputs = collect_outputs();
  LossValues loss = compute_loss(outputs, targets, model_.detector.anchors, model_.detector.heads,
                                 side, side, counts, recipe_.loss);
  if (teacher_ != nullptr) {
    loss.teacher = add_distillation_loss(outputs, teacher_->predict(samples), model_.detector.heads,
                                         counts, static_cast<double>(recipe_.loss.smooth_l1_beta),
                                         recipe_.distillation);
    loss.total += loss.teacher;
  }
  const std::vector<std::span<const float>> gradients(gradients_.begin(), gradients_.end());
  network_.backward(gradients);
  return loss;
}

LossValues TrainingStep::forward_backward(std::span<const dataset::Sample> batch) {
  const std::int64_t side = recipe_.side_px;
  std::vector<ImageTarget> targets;
  for (const dataset::Sample& sample : batch) {
    targets.push_back({sample.faces, match_anchors(model_.detector.anchors, side, side,
                                                   sample.faces, recipe_.matching)});
  }
  LossCounts counts = count_positives(targets, model_.detector.heads, recipe_.loss);
  std::vector<double*> sums = {&counts.positives};
  for (double& count : counts.by_head) sums.push_back(&count);
  sum(sums);
  const auto parts = static_cast<std::size_t>(recipe_.accumulate);
  RF_CHECK(batch.size() % parts == 0);
  const std::size_t size = batch.size() / parts;
  network_.clear_gradients();
  LossValues loss;
  for (std::size_t begin = 0; begin < batch.size(); begin += size) {
    loss += forward_backward_part(batch.subspan(begin, size),
                                  std::span(targets).subspan(begin, size), counts);
  }
  sums = {&loss.total, &loss.teacher};
  for (LossTerm& term : loss.terms) sums.push_back(&term.value);
  sum(sums);
  processes_.sum(network_.gradients());
  return loss;
}

void TrainingStep::sum(std::span<double* const> values) {
  std::vector<double> sums;
  for (const double* value : values) sums.push_back(*value);
  processes_.sum(std::span(sums));
  std::size_t i = 0;
  for (double* value : values) *value = sums[i++];
}

}  // namespace retinaface::training
