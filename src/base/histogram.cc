#include "base/histogram.h"

#include <algorithm>

namespace merganser {

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot out;
  for (size_t i = 0; i < kBuckets; i++) {
    out.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    out.count += out.buckets[i];
  }
  out.sum = sum_.load(std::memory_order_relaxed);
  out.max = max_.load(std::memory_order_relaxed);
  return out;
}

double Histogram::Snapshot::quantile(double q) const {
  if (count == 0) return 0;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(count);
  double before = 0;
  for (size_t i = 0; i < kBuckets; i++) {
    if (buckets[i] == 0) continue;
    const double here = static_cast<double>(buckets[i]);
    if (before + here < wanted) {
      before += here;
      continue;
    }
    const double low = static_cast<double>(lower_bound(i));
    // A bucket of one number has that number. The last has no end of its own.
    const double high = i + 1 < kBuckets ? static_cast<double>(lower_bound(i + 1) - 1) : static_cast<double>(max);
    const double at = low + (high - low) * std::max(0.0, (wanted - before) / here);
    return std::min(at, static_cast<double>(max));
  }
  return static_cast<double>(max);
}

}  // namespace merganser
