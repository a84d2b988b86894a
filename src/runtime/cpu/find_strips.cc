#include "runtime/cpu/find_strips.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "base/overloaded.h"

namespace retinaface::runtime::cpu {
namespace {

/// What a task has that may run in strips, as StripLayer.
struct Traits {
  std::int64_t reach = 0;
  std::int64_t rows_at_once = kStripRows;
};

/// Chooses tasks and says what they do.
class Finder {
 public:
  Finder(const LoweredGraph& lowered, const std::vector<Task>& schedule, const MapPlacement& maps,
         std::int64_t cached_floats)
      : lowered_(lowered), schedule_(schedule), maps_(maps), cached_floats_(cached_floats) {}

  std::vector<Strips> find() const {
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_size;
    for (std::size_t i = 0; i < schedule_.size(); ++i) {
      if (!traits(schedule_[i])) continue;
      const graph::Shape shape = maps_.shape(schedule_[i].targets[0]);
      by_size[{shape.h, shape.w}].push_back(i);
    }
    std::vector<Strips> all;
    for (auto& [size, tasks] : by_size) {
      // What the backbone has of this size comes first, and others wait for it.
      while (!tasks.empty() && !may_wait(tasks)) tasks.erase(tasks.begin());
      if (!is_far(tasks)) continue;
      Strips strips = strips_of(tasks);
      if (std::ranges::count(strips.are_between, true) > 0) all.push_back(std::move(strips));
    }
    return all;
  }

 private:
  ValueId root(ValueId id) const { return root_of(lowered_, id); }

  /// Of kernels of floats that can run on rows; nothing of others.
  std::optional<Traits> traits(const Task& task) const {
    std::optional<Traits> found;
    const std::int64_t width = maps_.shape(task.targets[0]).w;
    std::visit(Overloaded{[&](const kernels::Pointwise&) { found = Traits{}; },
                          [&](const kernels::Winograd& layer) {
                            found = Traits{.reach = 1,
                                           .rows_at_once = kernels::rows_at_once(layer, width)};
                          },
                          [&](const AddUpsampled&) { found = Traits{}; }, [](const auto&) {}},
               task.action);
    const bool adds = !std::holds_alternative<AddUpsampled>(task.action) && task.sources.size() > 1;
    const graph::Shape in = maps_.shape(task.sources[0]);
    const graph::Shape out = maps_.shape(task.targets[0]);
    if (!found || adds || task.sources[0] == 0 || in.h != out.h || in.w != out.w) return {};
    return found;
  }

  bool is_far(const std::vector<std::size_t>& tasks) const {
    return std::ranges::any_of(tasks, [&](std::size_t i) {
      const graph::Shape map = maps_.shape(root(schedule_[i].targets[0]));
      return map.c * map.h * map.w > cached_floats_;
    });
  }

  /// Whether all of them may run where the last one stands, a few rows at a time: nothing between
  /// reads what they write, or changes what they read, and neither do they in place.
  bool may_wait(const std::vector<std::size_t>& tasks) const {
    std::set<ValueId> read;
    std::set<ValueId> written;
    for (std::size_t i = tasks.front(); i <= tasks.back(); ++i) {
      const Task& task = schedule_[i];
      const bool is_member = std::ranges::find(tasks, i) != tasks.end();
      const bool in_place = std::holds_alternative<AddUpsampled>(task.action);
      if (is_member && in_place && read.contains(root(task.targets[0]))) return false;
      for (const ValueId source : task.sources) {
        if (is_member) {
          read.insert(root(source));
        } else if (written.contains(root(source))) {
          return false;
        }
      }
      for (const ValueId target : task.targets) {
        if (is_member) {
          written.insert(root(target));
        } else if (read.contains(root(target)) || written.contains(root(target))) {
          return false;
        }
      }
    }
    // What is enlarged is read as a whole.
    return std::ranges::none_of(tasks, [&](std::size_t i) {
      const std::vector<ValueId>& sources = schedule_[i].sources;
      return sources.size() > 1 && written.contains(root(sources[1]));
    });
  }

  Strips strips_of(const std::vector<std::size_t>& tasks) const {
    Strips strips{.tasks = tasks};
    strips.height = maps_.shape(schedule_[tasks.front()].targets[0]).h;
    for (const std::size_t i : tasks) {
      for (const ValueId target : schedule_[i].targets) {
        if (std::ranges::find(strips.maps, root(target)) == strips.maps.end()) {
          strips.maps.push_back(root(target));
        }
      }
    }
    const auto number_of = [&](ValueId id) {
      return static_cast<std::size_t>(std::ranges::find(strips.maps, root(id)) -
                                      strips.maps.begin());
    };
    for (const std::size_t i : tasks) {
      const Traits of = *traits(schedule_[i]);
      StripLayer& layer = strips.layers.emplace_back();
      layer.reach = of.reach;
      layer.rows_at_once = of.rows_at_once;
      const std::size_t map = number_of(schedule_[i].sources[0]);
      if (map < strips.maps.size()) layer.reads.insert(map);
      for (const ValueId target : schedule_[i].targets) {
        layer.writes.insert(number_of(target));
      }
    }
    for (const ValueId map : strips.maps) strips.are_between.push_back(is_between(map, tasks));
    // A layer writes rows of all its maps to the same place.
    for (bool changed = true; changed;) {
      changed = false;
      for (const StripLayer& layer : strips.layers) {
        const bool all = std::ranges::all_of(
            layer.writes, [&](std::size_t map) { return strips.are_between[map]; });
        for (const std::size_t map : layer.writes) {
          changed = changed || (!all && strips.are_between[map]);
          strips.are_between[map] = all;
        }
      }
    }
    return strips;
  }

  bool is_between(ValueId map, const std::vector<std::size_t>& tasks) const {
    const auto is_map = [&](ValueId id) { return root(id) == map; };
    if (std::ranges::any_of(lowered_.outputs, is_map)) return false;
    for (std::size_t i = 0; i < schedule_.size(); ++i) {
      if (std::ranges::find(tasks, i) != tasks.end()) continue;
      if (std::ranges::any_of(schedule_[i].sources, is_map) ||
          std::ranges::any_of(schedule_[i].targets, is_map)) {
        return false;
      }
    }
    return true;
  }

  const LoweredGraph& lowered_;
  const std::vector<Task>& schedule_;
  const MapPlacement& maps_;
  std::int64_t cached_floats_;
};

}  // namespace

std::vector<Strips> find_strips(const LoweredGraph& lowered, const std::vector<Task>& schedule,
                                const MapPlacement& maps, std::int64_t cached_floats) {
  return Finder(lowered, schedule, maps, cached_floats).find();
}

}  // namespace retinaface::runtime::cpu
