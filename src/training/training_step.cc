#include "training/training_step.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "detection/preprocess.h"

namespace retinaface::training {
namespace {

runtime::TrainableOptions network_options(const Recipe& recipe, const Engine& engine,
                                          ProcessGroup& processes) {
  runtime::TrainableOptions options;
  options.precision = usable_precision(recipe, engine);
  options.frozen = recipe.frozen;
  options.frozen_statistics = recipe.frozen_statistics;
  options.recompute = recipe.recompute;
  if (processes.processes() > 1) {
    options.sum_over_processes = [&processes](std::span<double> values) { processes.sum(values); };
  }
  return options;
}

}  // namespace

Arithmetic usable_arithmetic(const Recipe& recipe, const Engine& engine) {
  return engine.device != "cpu" || has_bfloat16_products() ? recipe.arithmetic
                                                           : Arithmetic::kFloat32;
}

runtime::Precision usable_precision(const Recipe& recipe, const Engine& engine) {
  return usable_arithmetic(recipe, engine) == Arithmetic::kBfloat16 ? runtime::Precision::kBfloat16
                                                                    : runtime::Precision::kFloat32;
}

TrainingStep::TrainingStep(const Recipe& recipe, const models::Model& model,
                           const graph::Weights& weights, ProcessGroup& processes, Teacher* teacher,
                           StepOptions options)
    : recipe_(recipe),
      model_(model),
      processes_(processes),
      teacher_(teacher),
      options_(std::move(options)),
      graph_(model.network.build()),
      network_(make_network(options_.engine, graph_, weights,
                            network_options(recipe, options_.engine, processes))) {}

void TrainingStep::begin_forward(std::span<const dataset::Sample> samples) {
  const int side = recipe_.side_px;
  const std::span<float> input =
      network_->input(static_cast<std::int64_t>(samples.size()), side, side);
  const std::size_t share = input.size() / samples.size();
  for_each_item(options_.threads, samples.size(), [&](std::size_t i, std::size_t) {
    RF_CHECK(samples[i].image.width() == side && samples[i].image.height() == side);
    detection::preprocess_interleaved(samples[i].image, model_.network.preprocessing,
                                      input.subspan(i * share, share));
  });
  network_->forward();
}

NetworkOutputs TrainingStep::collect_outputs() {
  NetworkOutputs outputs(model_.detector.heads.size());
  for (const std::vector<std::size_t>& level : models::head_outputs(graph_, model_.detector)) {
    for (std::size_t h = 0; h < level.size(); ++h) {
      const runtime::OutputBatch output = network_->output(level[h]);
      outputs[h].values.emplace_back(output.data, output.size());
      outputs[h].gradients.push_back(network_->output_gradient(level[h]));
    }
  }
  return outputs;
}

LossValues TrainingStep::finish_part(std::span<const dataset::Sample> samples,
                                     std::span<const ImageTarget> targets,
                                     const LossCounts& counts) {
  const std::int64_t side = recipe_.side_px;
  const NetworkOutputs outputs = collect_outputs();
  LossValues loss = compute_loss(outputs, targets, model_.detector.anchors, model_.detector.heads,
                                 side, side, counts, recipe_.loss, options_.threads);
  if (teacher_ != nullptr) {
    loss.teacher = add_distillation_loss(outputs, teacher_->predict(samples), model_.detector.heads,
                                         counts, static_cast<double>(recipe_.loss.smooth_l1_beta),
                                         recipe_.distillation, options_.threads);
    loss.total += loss.teacher;
  }
  network_->backward();
  return loss;
}

std::vector<ImageTarget> TrainingStep::match(std::span<const dataset::Sample> batch) const {
  const std::int64_t side = recipe_.side_px;
  std::vector<ImageTarget> targets(batch.size());
  for_each_item(options_.threads, batch.size(), [&](std::size_t i, std::size_t) {
    const auto& faces = batch[i].faces;
    targets[i] = {faces,
                  match_anchors(model_.detector.anchors, side, side, faces, recipe_.matching)};
  });
  return targets;
}

LossValues TrainingStep::forward_backward(std::span<const dataset::Sample> batch) {
  const auto parts = static_cast<std::size_t>(recipe_.accumulate);
  RF_CHECK(batch.size() % parts == 0);
  const std::size_t size = batch.size() / parts;
  network_->clear_gradients();
  begin_forward(batch.first(size));
  const std::vector<ImageTarget> targets = match(batch);  // while a device computes the first part
  LossCounts counts = count_positives(targets, model_.detector.heads, recipe_.loss);
  std::vector<double*> sums = {&counts.positives};
  for (double& count : counts.by_head) sums.push_back(&count);
  sum(sums);
  LossValues loss;
  for (std::size_t begin = 0; begin < batch.size(); begin += size) {
    if (begin > 0) begin_forward(batch.subspan(begin, size));
    loss +=
        finish_part(batch.subspan(begin, size), std::span(targets).subspan(begin, size), counts);
  }
  sums = {&loss.total, &loss.teacher};
  for (LossTerm& term : loss.terms) sums.push_back(&term.value);
  sum(sums);
  processes_.sum(network_->gradients());
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
