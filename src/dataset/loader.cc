#include "dataset/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "dataset/annotated_image.h"
#include "dataset/usable_faces.h"

namespace retinaface::dataset {
namespace {

/// An image of one of the sets.
struct Entry {
  const TrainingSet* set = nullptr;
  const AnnotatedImage* image = nullptr;
};

/// Decoded images up to a bound. What came first stays: in epochs that visit every image once,
/// throwing out the oldest would throw out just what is needed next.
class ImageCache {
 public:
  explicit ImageCache(std::size_t bytes) : room_(bytes) {}

  std::shared_ptr<const Image> read(std::size_t index, const std::filesystem::path& path) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = images_.find(index); found != images_.end()) return found->second;
    }
    auto image = std::make_shared<const Image>(dataset::read_annotated_image(path));
    const std::size_t bytes =
        static_cast<std::size_t>(image->stride()) * static_cast<std::size_t>(image->height());
    const std::lock_guard lock(mutex_);
    if (bytes <= room_ && images_.emplace(index, image).second) room_ -= bytes;
    return image;
  }

 private:
  std::mutex mutex_;
  std::size_t room_;
  std::map<std::size_t, std::shared_ptr<const Image>> images_;
};

}  // namespace

class Loader::Implementation {
 public:
  Implementation(std::vector<TrainingSet> sets, LoaderOptions options, std::int64_t first_batch)
      : sets_(std::move(sets)),
        options_(std::move(options)),
        cache_(options_.cache_bytes),
        started_(first_batch),
        handed_out_(first_batch) {
    for (const TrainingSet& set : sets_) {
      for (const AnnotatedImage& image : set.annotations) entries_.push_back({&set, &image});
    }
    if (entries_.size() < static_cast<std::size_t>(options_.batch)) {
      fail(ErrorCode::kBadData,
           "{}: {}, fewer than one batch of {}; make the batch smaller, --set input.batch={}, or "
           "train on more images",
           sets_.empty() ? "no data" : printable(sets_.front().images),
           counted(entries_.size(), "image"), options_.batch,
           std::max<std::size_t>(entries_.size(), 1));
    }
    counted_.resize(entries_.size());
    try {
      for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      stop();
      fail(ErrorCode::kUnreadable, "threads: {} of {} could be started: {}", threads_.size(),
           options_.threads, error.what());
    }
  }

  ~Implementation() { stop(); }

  std::int64_t batches_per_epoch() const {
    return static_cast<std::int64_t>(entries_.size()) / options_.batch;
  }

  std::vector<Sample> next() {
    const auto start = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] {
      const auto found = under_way_.find(handed_out_);
      return failure_ || (found != under_way_.end() && found->second.missing == 0);
    });
    if (failure_) std::rethrow_exception(failure_);
    std::vector<Sample> batch = std::move(under_way_.extract(handed_out_).mapped().samples);
    ++handed_out_;
    room_.notify_all();
    waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return batch;
  }

  FacesOutside faces_outside() const {
    const std::lock_guard lock(report_mutex_);
    return outside_;
  }

  double waited_ = 0;

 private:
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  struct Batch {
    std::vector<Sample> samples;
    std::size_t missing = 0;
  };
  /// One sample to make: the `slot`th of batch `batch`, as this process counts.
  struct Job {
    std::int64_t batch = 0;
    std::size_t slot = 0;
  };

  std::size_t share() const {
    return static_cast<std::size_t>(options_.batch / options_.processes);
  }

  void work() {
    while (const std::optional<Job> job = take_job()) {
      try {
        Sample sample = make(*job);
        const std::lock_guard lock(mutex_);
        Batch& batch = under_way_[job->batch];
        batch.samples[job->slot] = std::move(sample);
        if (--batch.missing == 0) ready_.notify_all();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        stopping_ = true;
        ready_.notify_all();
        room_.notify_all();
        return;
      }
    }
  }

  std::optional<Job> take_job() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      return stopping_ || next_slot_ > 0 || started_ < handed_out_ + options_.batches_ahead;
    });
    if (stopping_) return std::nullopt;
    if (next_slot_ == 0) {
      under_way_[started_] = {std::vector<Sample>(share()), share()};
    }
    const Job job = {started_, next_slot_};
    if (++next_slot_ == share()) {
      next_slot_ = 0;
      ++started_;
      room_.notify_all();
    }
    return job;
  }

  Sample make(const Job& job) {
    const std::int64_t epoch = job.batch / batches_per_epoch();
    const std::int64_t in_epoch = job.batch % batches_per_epoch();
    const std::size_t position = static_cast<std::size_t>(in_epoch * options_.batch) +
                                 job.slot * static_cast<std::size_t>(options_.processes) +
                                 static_cast<std::size_t>(options_.rank);
    const auto order = order_of(epoch);
    for (std::size_t i = 0; i < order->size(); ++i) {
      const std::size_t index = (*order)[(position + i) % order->size()];
      const auto image = read(index);
      if (image == nullptr) continue;
      Random random = Random::of(options_.seed, epoch, index);
      return augment({*image, entries_[index].image->faces}, options_.augmentation,
                     options_.side_px, random);
    }
    fail(ErrorCode::kBadData, "{}: expected images that can be read, found none of {}",
         printable(sets_.front().images), counted(entries_.size(), "image"));
  }

  /// Null where it cannot be read.
  std::shared_ptr<const Image> read(std::size_t index) {
    const Entry& entry = entries_[index];
    try {
      auto image = cache_.read(index, entry.set->images / entry.image->path);
      count_outside(index, *image);
      return image;
    } catch (const Error& error) {
      const std::lock_guard lock(report_mutex_);
      if (unreadable_.insert(index).second && options_.report) options_.report(error.what());
      return nullptr;
    }
  }

  void count_outside(std::size_t index, const Image& image) {
    const std::lock_guard lock(report_mutex_);
    if (counted_[index]) return;
    counted_[index] = true;
    const AnnotatedImage& annotated = *entries_[index].image;
    for (const AnnotatedFace& face : annotated.faces) {
      if (face.ignored || !is_outside(face.box, image.width(), image.height())) continue;
      if (outside_.faces++ == 0) outside_.example = annotated.path;
    }
  }

  /// Which image comes when in an epoch.
  std::shared_ptr<const std::vector<std::size_t>> order_of(std::int64_t epoch) {
    const std::lock_guard lock(order_mutex_);
    if (epoch != order_epoch_ || !order_) {
      std::vector<std::size_t> order(entries_.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      constexpr std::uint64_t kOrder = 0x6F72646572;  // apart from the samples' own keys
      Random::of(options_.seed, epoch, kOrder).shuffle(std::span(order));
      order_ = std::make_shared<const std::vector<std::size_t>>(std::move(order));
      order_epoch_ = epoch;
    }
    return order_;
  }

  const std::vector<TrainingSet> sets_;
  const LoaderOptions options_;
  std::vector<Entry> entries_;
  ImageCache cache_;

  mutable std::mutex report_mutex_;
  std::set<std::size_t> unreadable_;  ///< that were reported
  std::vector<bool> counted_;         ///< by image, whether outside_ has its faces
  FacesOutside outside_;

  std::mutex order_mutex_;
  std::int64_t order_epoch_ = -1;
  std::shared_ptr<const std::vector<std::size_t>> order_;

  std::mutex mutex_;
  std::condition_variable room_;   ///< for one more batch, or to stop
  std::condition_variable ready_;  ///< a batch is complete, or something failed
  std::map<std::int64_t, Batch> under_way_;
  std::int64_t started_;  ///< batches that jobs have been taken of, less the current one
  std::size_t next_slot_ = 0;
  std::int64_t handed_out_;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

Loader::Loader(std::vector<TrainingSet> sets, LoaderOptions options, std::int64_t first_batch)
    : implementation_(
          std::make_unique<Implementation>(std::move(sets), std::move(options), first_batch)) {}
Loader::~Loader() = default;

std::int64_t Loader::batches_per_epoch() const {
  return implementation_->batches_per_epoch();
}

std::vector<Sample> Loader::next() {
  return implementation_->next();
}

Loader::FacesOutside Loader::faces_outside() const {
  return implementation_->faces_outside();
}

double Loader::waited_seconds() const {
  return implementation_->waited_;
}

}  // namespace retinaface::dataset
