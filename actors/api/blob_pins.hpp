// Large values that a turn is about to store, so that nobody drops the same bytes meanwhile.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace troupe {

/// Blobs are shared by content: a purge drops one that no stored run refers to, while another run
/// may be about to refer to it. Thread-safe. Outlives its pins.
class blob_pins {
public:
  /// The blob under this key stays until what is returned ends: from before the turn that names it
  /// is proposed until that is committed.
  std::shared_ptr<void> pin(std::string key) {
    const std::lock_guard lock(mutex_);
    ++pins_[key];
    return {nullptr, [this, key = std::move(key)](void*) { unpin(key); }};
  }

  /// While it is held nothing is pinned. Who drops blobs holds it from asking pinned() until the
  /// drop is proposed: a turn that comes later stores its values again, behind the drop.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
  bool pinned(const std::string& key) const { return pins_.contains(key); }

private:
  void unpin(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (const auto at = pins_.find(key); --at->second == 0)
      pins_.erase(at);
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> pins_;
};

} // namespace troupe
