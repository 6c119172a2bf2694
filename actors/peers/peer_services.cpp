#include "actors/peers/peer_services.hpp"

#include "actors/base/link_bytes.hpp"
#include "actors/base/link_messages.hpp"
#include "persistence/store/refusals.hpp"

#include <caf/send.hpp>

namespace troupe {

namespace {

constexpr partition_id control_home{0};

/// This node does not know yet what the other one knew of workflows.
failure behind() {
  return {failure_kind::unavailable,
          "behind",
          "the node has not applied what the message builds on",
          "try again",
          {}};
}

/// Whether a workflow that another node does not know is unknown where control is led, too.
void look_for(engine_shared& shared, const messages::start_child& what,
              const node_link::answer& back) {
  const auto now = shared.log.leads(control_home);
  if (!now.here || !shared.log.may_act(control_home, now.term))
    return back(not_leader(now));
  shared.workflows->look_again(what.workflow_id);
  const auto found = shared.workflows->find(what.workflow_id, what.workflow_version);
  back(found && found->executable ? result<std::string>(behind()) : std::string());
}

void take_message(engine_shared& shared, std::string_view bytes, node_link::answer back) {
  auto what = decode_delivery(bytes);
  if (!what)
    return back(what.error());
  const auto target = what->what.target;
  if (const auto* start = std::get_if<messages::start_child>(&what->what.what);
      start && target == control_home)
    return look_for(shared, *start, back);
  if (number(target) == 0 || number(target) >= shared.partitions.size())
    return back(link_malformed());
  if (const auto now = shared.log.leads(target); !now.here)
    return back(not_leader(now));
  if (shared.log.applied(control_home) < what->control)
    return back(behind());
  caf::anon_send(shared.partition(target),
                 deliver{what->from, std::move(what->what),
                         promise<done_at>([back = std::move(back)](const result<done_at>& done) {
                           back(done ? result<std::string>(std::string()) : done.error());
                         })});
}

} // namespace

peer_services::peer_services(node_link& link, engine_shared& shared, workers_actor workers,
                             std::function<void(const live_word&)> hears)
    : link_(link) {
  link.serve(link_topic::message,
             [&shared](std::uint64_t, const std::string& bytes, node_link::answer back) {
               take_message(shared, bytes, std::move(back));
             });
  link.serve(link_topic::tokens, [limiter = shared.limiter](std::uint64_t from, std::string bytes,
                                                            node_link::answer back) {
    caf::anon_send(limiter,
                   token_mail{from, std::move(bytes), promise<std::string>(std::move(back))});
  });
  link.serve(
      link_topic::task, [workers](std::uint64_t from, std::string bytes, node_link::answer back) {
        caf::anon_send(workers,
                       task_mail{from, std::move(bytes), promise<std::string>(std::move(back))});
      });
  link.serve(link_topic::live, [hears = std::move(hears)](std::uint64_t, const std::string& bytes,
                                                          const node_link::answer& back) {
    const auto said = decode_live(bytes);
    if (said)
      hears(*said);
    back(said ? result<std::string>(std::string()) : said.error());
  });
}

peer_services::~peer_services() {
  for (const auto topic :
       {link_topic::message, link_topic::tokens, link_topic::task, link_topic::live})
    link_.serve(topic, {});
}

} // namespace troupe
