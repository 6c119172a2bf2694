#include "actors/base/loading.hpp"

#include "actors/api/shared.hpp"
#include "runtime/base/log.hpp"

namespace troupe {

failure execution_unreadable() {
  return {failure_kind::internal,
          "execution_unreadable",
          "the process ended three times while it loaded this execution: it is left alone",
          "start a release that can load it; or stop the node, delete the file `loading` in its "
          "data directory, and start it again",
          {}};
}

bool given_up(const engine_shared& shared, const run_id& run) {
  return shared.loading && shared.loading->given_up(run);
}

result<std::unique_ptr<loading_mark>> begin_loading(const engine_shared& shared, const run_id& run,
                                                    loading_work work) {
  if (!shared.loading)
    return std::unique_ptr<loading_mark>{};
  auto mark = shared.loading->begin(run, work);
  if (!mark)
    return execution_unreadable();
  return mark;
}

void log_loading_deaths(const engine_shared& shared) {
  if (!shared.loading)
    return;
  for (const auto& each : shared.loading->found()) {
    const bool last = each.times >= loading_deaths_max;
    log::write(last ? log::level::error : log::level::warning, "engine",
               last ? "execution left alone: the process ended three times while it loaded it"
                    : "the process ended while it loaded an execution; it is tried again",
               {{"execution_id", std::string_view(to_text(each.run))},
                {"times", static_cast<std::int64_t>(each.times)}});
  }
}

json::array unreadable_alerts(const engine_shared& shared) {
  json::array out;
  if (!shared.loading)
    return out;
  const auto why = execution_unreadable();
  for (const auto& each : shared.loading->found())
    if (each.times >= loading_deaths_max)
      out.push_back(json::object{{"kind", why.code},
                                 {"execution_id", to_text(each.run)},
                                 {"message", why.message + "; " + why.hint},
                                 {"times", each.times}});
  return out;
}

} // namespace troupe
