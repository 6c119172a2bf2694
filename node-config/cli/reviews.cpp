// review: what waits for a person, and the answer to it.
#include "node-config/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace troupe::cli {

namespace {

int list(api_client node, bool as_json) {
  const auto page = node.get("/api/v1/reviews/pending?limit=500");
  if (!page)
    return print_failure(page.error());
  if (as_json) {
    std::puts(json::write_pretty(*page).c_str());
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  const auto* items = json::find(*page, "items");
  for (const auto& one : items && items->is_array() ? items->get_array() : json::array{})
    rows.push_back({field(one, "review_id"), field(one, "priority"), field(one, "due_at"),
                    field(one, "title")});
  print_table({"REVIEW", "PRIORITY", "DUE", "TITLE"}, rows);
  return exit_code::ok;
}

int decide(api_client node, const std::string& review, bool approved, const std::string& data,
           const std::string& message) {
  json::object one{{"review_id", review}, {"approved", approved}, {"message", message}};
  if (!data.empty()) {
    auto parsed = json::parse(data);
    if (!parsed)
      return print_failure({failure_kind::invalid,
                            "usage",
                            "--data is not JSON: " + parsed.error().message,
                            {},
                            {}});
    one["data"] = std::move(*parsed);
  }
  const json::value body(json::object{{"reviews", json::array{std::move(one)}}});
  const auto answer = node.send("POST", "/api/v1/reviews/action", json::write(body));
  if (!answer)
    return print_failure(answer.error());
  std::puts(approved ? "approved" : "rejected");
  return exit_code::ok;
}

void add_decision(CLI::App& review, context& c, const char* name, const char* help, bool approved) {
  auto* command = review.add_subcommand(name, help);
  struct options {
    std::string id, data, message;
  };
  auto given = std::make_shared<options>();
  command->add_option("review", given->id, "id of the review")->required();
  command->add_option("--data", given->data, "answer of the form, as JSON");
  command->add_option("-m,--message", given->message, "why");
  add_connection(*command, c);
  command->callback([&c, given, approved] {
    c.run = [&c, given, approved] {
      return decide(c.connect(), given->id, approved, given->data, given->message);
    };
  });
}

} // namespace

void add_reviews(CLI::App& app, context& c) {
  auto* review = app.add_subcommand("review", "List and decide what waits for a person");
  review->require_subcommand(1);
  auto* ls = review->add_subcommand("ls", "List pending reviews");
  auto as_json = std::make_shared<bool>(false);
  ls->add_flag("--json", *as_json, "print JSON");
  add_connection(*ls, c);
  ls->callback([&c, as_json] { c.run = [&c, as_json] { return list(c.connect(), *as_json); }; });
  add_decision(*review, c, "approve", "Approve a review", true);
  add_decision(*review, c, "reject", "Reject a review", false);
}

} // namespace troupe::cli
