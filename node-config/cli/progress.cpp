// Live progress of a run: a tree of steps with states and times, a bar for loops.
#include "node-config/cli/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace troupe::cli {

namespace {

struct step_view {
  std::string status = "pending", error;
  std::string began, ended;
  std::uint64_t attempt = 0, done = 0, total = 0;
};

class run_view {
public:
  /// Takes one event; returns the line to print on a plain terminal, empty for none.
  std::string take(std::string_view kind, const json::value& event) {
    const auto node = field(event, "node");
    const auto iteration = field(event, "iteration");
    const auto* data = json::find(event, "data");
    if (kind == "execution_finished" && data)
      status = field(*data, "status");
    if (node.empty())
      return std::string{kind};
    auto& step = steps_[node];
    if (order_.end() == std::find(order_.begin(), order_.end(), node))
      order_.push_back(node);
    update(step, kind, event, data, iteration);
    return std::string{kind} + "  " + node + (iteration.empty() ? "" : "[" + iteration + "]");
  }

  void draw() {
    if (drawn_ > 0)
      std::printf("\033[%zuA", drawn_);
    for (const auto& node : order_)
      std::printf("\033[2K  %s %s\n", mark(steps_[node].status).c_str(), line(node).c_str());
    drawn_ = order_.size();
    std::fflush(stdout);
  }

  std::string status;

private:
  static void update(step_view& step, std::string_view kind, const json::value& event,
                     const json::value* data, const std::string& iteration) {
    if (kind == "loop_started" && data)
      step.total = static_cast<std::uint64_t>(std::atoll(field(*data, "total").c_str()));
    if (kind == "iteration_finished")
      ++step.done;
    if (!iteration.empty() && kind != "node_failed" && step.status == "success")
      return;
    static const std::map<std::string_view, const char*> words{
        {"node_scheduled", "running"}, {"node_completed", "success"},
        {"node_failed", "failed"},     {"node_retrying", "retrying"},
        {"node_skipped", "skipped"},   {"node_waiting", "waiting"},
        {"review_opened", "waiting"},  {"child_started", "waiting"},
        {"loop_started", "running"},   {"attempt_interrupted", "retrying"}};
    const auto word = words.find(kind);
    if (word == words.end())
      return;
    step.status = word->second;
    if (step.began.empty())
      step.began = field(event, "time");
    step.ended = field(event, "time");
    if (const auto* attempt = json::find(event, "attempt"); attempt && attempt->is_number())
      step.attempt = attempt->to_number<std::uint64_t>();
    if (data)
      if (const auto* error = json::find(*data, "error"))
        step.error = field(*error, "message");
  }

  static std::string mark(const std::string& status) {
    if (status == "success")
      return paint(colour::green, "✔");
    if (status == "failed")
      return paint(colour::red, "✘");
    if (status == "skipped")
      return paint(colour::grey, "–");
    return paint(status == "waiting" ? colour::yellow : colour::cyan,
                 status == "waiting" ? "⏸" : "●");
  }

  std::string line(const std::string& node) {
    const auto& step = steps_[node];
    std::string text = node;
    text.resize(std::max<std::size_t>(text.size() + 1, 24), ' ');
    text += paint_status(step.status);
    if (step.attempt > 1)
      text += paint(colour::yellow, "  attempt " + std::to_string(step.attempt));
    if (step.total > 0)
      text += "  " + bar(step.done, step.total);
    if (!step.error.empty() && step.status != "success")
      text += "  " + paint(colour::grey, step.error.substr(0, 60));
    return text;
  }

  static std::string bar(std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t width = 24;
    const auto full = std::min(width, done * width / total);
    std::string text = "[";
    for (std::uint64_t i = 0; i < width; ++i)
      text += i < full ? '#' : '.';
    return text + "] " + std::to_string(done) + "/" + std::to_string(total);
  }

  std::map<std::string, step_view> steps_;
  std::vector<std::string> order_;
  std::size_t drawn_ = 0;
};

int print_end(api_client& node, const std::string& id) {
  const auto end = node.get("/api/v1/executions/" + id);
  if (!end)
    return print_failure(end.error());
  const auto status = field(*end, "status");
  double seconds = 0;
  if (const auto* v = json::find(*end, "duration_seconds"); v && v->is_number())
    seconds = v->to_number<double>();
  std::printf("%s  %s  %s\n", paint_status(status).c_str(), id.c_str(),
              human_seconds(seconds).c_str());
  if (const auto* error = json::find(*end, "error"); error && error->is_object())
    std::printf("  %s: %s\n", field(*error, "code").c_str(), field(*error, "message").c_str());
  return status == "success" ? exit_code::ok : exit_code::failed;
}

} // namespace

int follow_run(api_client& node, const std::string& id, bool quiet) {
  run_view view;
  std::printf("execution %s\n", paint(colour::bold, id).c_str());
  std::fflush(stdout);
  const auto followed = node.follow("/api/v1/executions/" + id + "/stream",
                                    [&](std::string_view kind, const json::value& event) {
                                      const auto line = view.take(kind, event);
                                      if (quiet)
                                        return view.status.empty();
                                      if (colours())
                                        view.draw();
                                      else if (!line.empty())
                                        std::puts(line.c_str());
                                      return view.status.empty();
                                    });
  if (!followed && view.status.empty())
    return print_failure(followed.error());
  return print_end(node, id);
}

} // namespace troupe::cli
