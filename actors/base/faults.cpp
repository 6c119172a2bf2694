#include "actors/base/faults.hpp"

#include "actors/api/shared.hpp"

#include <thread>

namespace troupe {

void suffer_faults(engine_shared& shared, std::string_view actor) {
  if (shared.faults_left.load(std::memory_order_relaxed) == 0)
    return;
  milliseconds late{0};
  {
    const std::lock_guard lock(shared.faults_mutex);
    const auto at = shared.faults.find(actor);
    if (at == shared.faults.end())
      return;
    late = at->second.late;
    if (--at->second.times <= 0)
      shared.faults.erase(at);
    --shared.faults_left;
  }
  if (late > milliseconds{0})
    return std::this_thread::sleep_for(late);
  (void)std::string().at(1); // fails like a bug of ours would: by an exception
}

std::string drop_name(std::string_view what, std::string_view run) {
  return "drop " + std::string(what) + " of " + std::string(run);
}

bool told_to_drop(engine_shared& shared, std::string_view what, const run_id& run) {
  if (shared.faults_left.load(std::memory_order_relaxed) == 0)
    return false;
  const std::lock_guard lock(shared.faults_mutex);
  const auto at = shared.faults.find(drop_name(what, to_text(run)));
  if (at == shared.faults.end())
    return false;
  if (--at->second.times <= 0)
    shared.faults.erase(at);
  --shared.faults_left;
  return true;
}

} // namespace troupe
