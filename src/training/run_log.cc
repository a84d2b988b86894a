#include "training/run_log.h"

#include <chrono>

#include <fmt/format.h>

#include "training/event_record.h"

namespace retinaface::training {
namespace {

/// Seconds since 1970.
double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, const Lengths& keep)
    : metrics_(folder / kMetricsFile, keep.metrics), events_(folder / kEventsFile, keep.events) {
  if (events_.bytes() == 0) events_.append(first_event_record(now()));
}

void RunLog::add_step(const TrainingProgress& progress) {
  const LossValues& loss = progress.loss;
  std::string terms = fmt::format(R"("loss": {})", loss.total);
  Metrics scalars = {{"loss/total", loss.total}};
  for (const LossTerm& term : loss.terms) {
    terms += fmt::format(R"(, "loss_{}": {})", term.head, term.value);
    scalars.emplace_back("loss/" + term.head, term.value);
  }
  if (loss.teacher > 0) {
    terms += fmt::format(R"(, "loss_teacher": {})", loss.teacher);
    scalars.emplace_back("loss/teacher", loss.teacher);
  }
  if (loss.mesh > 0) {
    terms += fmt::format(R"(, "loss_mesh": {})", loss.mesh);
    scalars.emplace_back("loss/mesh", loss.mesh);
  }
  metrics_.append(fmt::format(
      R"({{"step": {}, "epoch": {}, {}, "learning_rate": {}, "images_per_second": {:.2f}, )"
      R"("waiting_share": {:.4f}}})"
      "\n",
      progress.step, progress.epoch, terms, progress.learning_rate, progress.images_per_second,
      progress.waiting_share));
  scalars.emplace_back("run/learning_rate", progress.learning_rate);
  scalars.emplace_back("run/images_per_second", progress.images_per_second);
  scalars.emplace_back("run/waiting_share", progress.waiting_share);
  events_.append(scalars_record(now(), progress.step, scalars));
}

void RunLog::add_validation(std::int64_t step, const Metrics& figures) {
  std::string line = fmt::format(R"({{"validated_step": {})", step);
  Metrics scalars;
  for (const auto& [name, value] : figures) {
    line += fmt::format(R"(, "{}": {})", name, value);
    scalars.emplace_back("validation/" + name, value);
  }
  metrics_.append(line + "}\n");
  events_.append(scalars_record(now(), step, scalars));
}

}  // namespace retinaface::training
