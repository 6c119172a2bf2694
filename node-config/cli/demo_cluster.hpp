// A cluster of three on this machine, for a demonstration: children of this process, which end with
// it, and a directory that goes with them.
#pragma once

#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::cli {

/// Not thread-safe, but for url(), which does not change.
class demo_cluster {
public:
  static constexpr std::size_t size = 3;

  /// `target` is the host:port that nodes may call; `stop` ends what waits.
  demo_cluster(std::string target, std::function<bool()> stop)
      : target_(std::move(target)), stop_(std::move(stop)) {}
  demo_cluster(const demo_cluster&) = delete;
  demo_cluster& operator=(const demo_cluster&) = delete;
  /// Kills what runs and removes the directory.
  ~demo_cluster();

  /// Founds it, lets two others in and waits until every node has its share. Fails with what a
  /// command said, or with "demo_stopped" or "demo_slow".
  result<void> start();

  std::size_t nodes() const noexcept { return nodes_.size(); }
  const std::string& url(std::size_t node) const { return nodes_[node].url; }
  const std::string& directory() const noexcept { return directory_; }
  /// Leaderships of content partitions, by node.
  result<std::vector<std::size_t>> leads() const;
  /// SIGKILL, and waits for its end.
  void kill(std::size_t node);

private:
  struct child {
    std::string url, folder;
    std::uint16_t port = 0, cluster_port = 0;
    pid_t pid = 0; ///< 0: it does not run
  };

  result<void> run(const std::vector<std::string>& words) const;
  result<void> serve(child& node);
  result<std::string> invitation() const;
  result<void> wait_for(const std::string& what, std::chrono::seconds most,
                        const std::function<bool()>& until) const;
  bool whole() const;

  const std::string target_;
  const std::function<bool()> stop_;
  std::string directory_;
  std::vector<child> nodes_;
};

} // namespace troupe::cli
