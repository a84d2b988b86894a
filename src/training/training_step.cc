#include "training/training_step.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/parallel.h"
#include "detection/preprocess.h"
#include "graph/operators.h"
#include "models/context_outputs.h"
#include "models/load_model.h"
#include "runtime/training_backends/training_backends.h"

namespace retinaface::training {
namespace {

runtime::TrainableOptions network_options(const Recipe& recipe, const Engine& engine,
                                          ProcessGroup& processes) {
  runtime::TrainableOptions options;
  options.type = usable_arithmetic(recipe, engine);
  options.frozen = recipe.frozen;
  options.frozen_statistics = recipe.frozen_statistics;
  options.recompute = recipe.recompute;
  if (processes.processes() > 1) {
    options.sum_over_processes = [&processes](std::span<double> values) { processes.sum(values); };
  }
  return options;
}

graph::Graph graph_of(const Recipe& recipe, const models::Model& model) {
  check_losses(model.detector().heads);  // before the network is made
  graph::Graph graph = model.network.build();
  if (recipe.branch.weight > 0) models::add_context_outputs(graph, model.detector());
  return graph;
}

/// Of the maps that add_context_outputs has made outputs.
std::size_t context_channels(const graph::Graph& graph) {
  const std::vector<graph::Shape> shapes = graph::channel_shapes(graph);
  return static_cast<std::size_t>(shapes[static_cast<std::size_t>(graph.outputs().back().node)].c);
}

}  // namespace

graph::DataType usable_arithmetic(const Recipe& recipe, const Engine& engine) {
  return runtime::training_backends().training_type(recipe.arithmetic, engine.backend,
                                                    engine.device);
}

TrainingStep::TrainingStep(const Recipe& recipe, const models::Model& model,
                           const graph::Weights& weights, ProcessGroup& processes,
                           Teachers* teachers, StepOptions options)
    : recipe_(recipe),
      model_(model),
      processes_(processes),
      teachers_(teachers),
      options_(std::move(options)),
      graph_(graph_of(recipe, model)),
      network_(make_network(options_.engine, graph_, weights,
                            network_options(recipe, options_.engine, processes))) {
  if (recipe.branch.weight <= 0) return;
  RF_CHECK(options_.branch != nullptr);
  branch_ = std::make_unique<JointMesh>(*options_.branch, model, context_channels(graph_),
                                        recipe.branch, options_.threads, options_.branch_source);
  const auto own = network_->parameters();
  slots_.assign(own.begin(), own.end());
  for (runtime::ParameterSlot slot : branch_->slots()) {
    slot.offset += network_->values().size();
    slots_.push_back(std::move(slot));
  }
  values_.assign(network_->values().begin(), network_->values().end());
  values_.insert(values_.end(), branch_->values().begin(), branch_->values().end());
  gradients_.resize(values_.size());
}

std::span<const runtime::ParameterSlot> TrainingStep::parameters() const {
  return branch_ ? std::span<const runtime::ParameterSlot>(slots_) : network_->parameters();
}

std::span<float> TrainingStep::values() {
  return branch_ ? std::span<float>(values_) : network_->values();
}

std::span<const float> TrainingStep::values() const {
  if (branch_) return values_;
  return std::as_const(*network_).values();
}

std::span<float> TrainingStep::gradients() {
  return branch_ ? std::span<float>(gradients_) : network_->gradients();
}

graph::Weights TrainingStep::weights_from(std::span<const float> values) const {
  if (!branch_) return runtime::weights_from(network_->parameters(), values);
  const std::size_t size = network_->values().size();
  graph::Weights weights = runtime::weights_from(network_->parameters(), values.first(size));
  const std::string mark = models::mesh_mark(weights);
  graph::Weights head = runtime::weights_from(branch_->slots(), values.subspan(size));
  weights.tensors.merge(head.tensors);
  for (const auto& [name, tensor] : branch_->decoder_tensors().tensors) {
    weights.tensors.emplace(name, tensor.clone());
  }
  weights.metadata.emplace(models::kMeshMarkKey, mark);
  return weights;
}

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
  NetworkOutputs outputs(model_.detector().heads.size());
  for (const std::vector<std::size_t>& level : models::head_outputs(graph_, model_.detector())) {
    for (std::size_t h = 0; h < level.size(); ++h) {
      const runtime::OutputBatch output = network_->output(level[h]);
      outputs[h].values.emplace_back(output.data, output.size());
      outputs[h].gradients.push_back(network_->output_gradient(level[h]));
    }
  }
  return outputs;
}

HeadBatch TrainingStep::context_maps() {
  HeadBatch maps;
  const std::size_t levels = model_.detector().anchors.levels.size();
  for (std::size_t i = graph_.outputs().size() - levels; i < graph_.outputs().size(); ++i) {
    const runtime::OutputBatch output = network_->output(i);
    maps.values.emplace_back(output.data, output.size());
    maps.gradients.push_back(network_->output_gradient(i));
  }
  return maps;
}

double TrainingStep::branch_loss(const NetworkOutputs& outputs,
                                 std::span<const dataset::Sample> samples,
                                 std::span<const ImageTarget> targets, double count) {
  return branch_->add_loss(outputs, context_maps(), samples, targets,
                           branch_->places(targets, recipe_.side_px), count);
}

LossValues TrainingStep::finish_part(std::span<const dataset::Sample> samples,
                                     std::span<const ImageTarget> targets, const LossCounts& counts,
                                     double branch_count) {
  const std::int64_t side = recipe_.side_px;
  const NetworkOutputs outputs = collect_outputs();
  LossValues loss =
      compute_loss(outputs, targets, model_.detector().anchors, model_.detector().heads, side, side,
                   counts, recipe_.loss, options_.threads);
  if (teachers_ != nullptr) {
    loss.teacher = add_distillation_loss(
        outputs, teachers_->predict(samples), model_.detector().heads, counts,
        static_cast<double>(recipe_.loss.smooth_l1_beta), recipe_.distillation, options_.threads);
    loss.total += loss.teacher;
  }
  if (branch_) {
    loss.mesh = branch_loss(outputs, samples, targets, branch_count);
    loss.total += loss.mesh;
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
                  match_anchors(model_.detector().anchors, side, side, faces, recipe_.matching)};
  });
  return targets;
}

LossValues TrainingStep::forward_backward(std::span<const dataset::Sample> batch) {
  const auto parts = static_cast<std::size_t>(recipe_.accumulate);
  RF_CHECK(batch.size() % parts == 0);
  const std::size_t size = batch.size() / parts;
  network_->clear_gradients();
  if (branch_) {  // what the caller has moved
    const auto [of_network, of_head] = std::pair(network_->values(), branch_->values());
    std::copy_n(values_.begin(), of_network.size(), of_network.begin());
    std::copy_n(values_.end() - static_cast<std::ptrdiff_t>(of_head.size()), of_head.size(),
                of_head.begin());
    std::ranges::fill(branch_->gradients(), 0.0F);
  }
  begin_forward(batch.first(size));
  const std::vector<ImageTarget> targets = match(batch);  // while a device computes the first part
  LossCounts counts = count_positives(targets, model_.detector().heads, recipe_.loss);
  std::vector<double*> sums = {&counts.positives};
  for (double& count : counts.by_head) sums.push_back(&count);
  double branch_count = 0;
  if (branch_) {
    branch_count = static_cast<double>(branch_->places(targets, recipe_.side_px).size());
    sums.push_back(&branch_count);
  }
  sum(sums);
  LossValues loss;
  for (std::size_t begin = 0; begin < batch.size(); begin += size) {
    if (begin > 0) begin_forward(batch.subspan(begin, size));
    loss += finish_part(batch.subspan(begin, size), std::span(targets).subspan(begin, size), counts,
                        branch_count);
  }
  sums = {&loss.total, &loss.teacher, &loss.mesh};
  for (LossTerm& term : loss.terms) sums.push_back(&term.value);
  sum(sums);
  if (branch_) {  // the network has moved its running statistics
    std::ranges::copy(network_->values(), values_.begin());
    const auto head = std::ranges::copy(network_->gradients(), gradients_.begin()).out;
    std::ranges::copy(branch_->gradients(), head);
  }
  processes_.sum(gradients());
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
