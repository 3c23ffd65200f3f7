#include "process/control_protocol.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "process/console_protocol.hpp"
#include "process/internal/code_json.hpp"
#include "process/internal/json_line.hpp"

namespace sojourn::process {

namespace {

using nlohmann::json;

constexpr int kSchema = 1;

struct VerbName {
    ControlVerb verb;
    std::string_view name;
};
constexpr std::array kVerbs = {
    VerbName{ControlVerb::checkpoint, "checkpoint"},
    VerbName{ControlVerb::suspend, "suspend"},
    VerbName{ControlVerb::status, "status"},
    VerbName{ControlVerb::code, "code"},
    VerbName{ControlVerb::leases, "leases"},
    VerbName{ControlVerb::expire_lease, "expire_lease"},
    VerbName{ControlVerb::renew_lease, "renew_lease"},
    VerbName{ControlVerb::attach, "attach"},
};

constexpr std::string_view kPublished = "published";
constexpr std::string_view kPaused = "paused";

struct CodeName {
    ErrorCode code;
    std::string_view name;
};
constexpr CodeName kCodes[] = {
#define ERROR(name, text) {ErrorCode::name, #name},
#include "base/errors.def"
#undef ERROR
};

json object_of(const store::CheckpointInfo& info) {
    return {{"id", static_cast<std::uint64_t>(info.id)},
            {"parent", static_cast<std::uint64_t>(info.parent)},
            {"time_us", info.time_us},
            {"message", info.message},
            {"dirty_pages", info.dirty_pages},
            {"written_bytes", info.written_bytes},
            {"pause_us", info.pause_us},
            {"durable_us", info.durable_us}};
}

store::CheckpointInfo checkpoint_in(const json& object) {
    store::CheckpointInfo info;
    info.id = store::Version{number_in(object, "id")};
    info.parent = store::Version{number_in(object, "parent")};
    info.time_us = number_in(object, "time_us");
    info.message = text_in(object, "message");
    info.dirty_pages = number_in(object, "dirty_pages");
    info.written_bytes = number_in(object, "written_bytes");
    info.pause_us = number_in(object, "pause_us");
    info.durable_us = number_in(object, "durable_us");
    return info;
}

json microseconds_of(const std::optional<std::uint64_t>& ns) {
    return ns ? json(*ns / 1000) : json();
}

std::optional<std::uint64_t> nanoseconds_in(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    const auto us = found->get<std::uint64_t>();
    return us <= UINT64_MAX / 1000 ? us * 1000 : UINT64_MAX;
}

json object_of(const leases::Lease& lease) {
    return {{"id", static_cast<std::uint64_t>(lease.id)},
            {"kind", leases::text_of(lease.kind)},
            {"state", leases::text_of(lease.state)},
            {"service", lease.description},
            {"ttl_us", microseconds_of(lease.ttl_ns)},
            {"remaining_us", microseconds_of(lease.remaining_ns)},
            {"epoch", static_cast<std::uint64_t>(lease.epoch)},
            {"lost_because", lease.lost_because}};
}

Result<leases::Lease> lease_in(const json& object) {
    const auto kind = leases::kind_named(text_in(object, "kind"));
    const auto state = leases::state_named(text_in(object, "state"));
    if (!kind || !state) return fail(ErrorCode::corrupt, "the runner's answer has no lease");
    leases::Lease lease;
    lease.id = leases::LeaseId{number_in(object, "id")};
    lease.kind = *kind;
    lease.state = *state;
    lease.description = text_in(object, "service");
    lease.ttl_ns = nanoseconds_in(object, "ttl_us");
    lease.remaining_ns = nanoseconds_in(object, "remaining_us");
    lease.epoch = store::Epoch{number_in(object, "epoch")};
    lease.lost_because = text_in(object, "lost_because");
    return lease;
}

json object_of(const MemoryUse& memory) {
    return {{"dirty_bytes", memory.dirty_bytes},
            {"resident_bytes", memory.resident_bytes},
            {"cache_bytes", memory.cache_bytes ? json(*memory.cache_bytes) : json()}};
}

MemoryUse memory_in(const json& object) {
    MemoryUse memory;
    memory.dirty_bytes = number_in(object, "dirty_bytes");
    memory.resident_bytes = number_in(object, "resident_bytes");
    const auto cache = object.find("cache_bytes");
    if (cache != object.end() && cache->is_number_unsigned())
        memory.cache_bytes = cache->get<std::uint64_t>();
    return memory;
}

/// All verbs, for people.
std::string verbs() {
    std::string list;
    for (const VerbName& row : kVerbs)
        list.append(list.empty() ? "" : ", ").append(row.name);
    return list;
}

Error error_in(const json& object) {
    const std::string name = text_in(object, "code");
    for (const CodeName& row : kCodes) {
        if (row.name == name) return Error{row.code, text_in(object, "message")};
    }
    return Error{ErrorCode::io, text_in(object, "message")};
}

}  // namespace

Result<CheckpointWait> parse_wait(std::string_view text) {
    if (text == kPublished) return CheckpointWait::published;
    if (text == kPaused) return CheckpointWait::paused;
    return fail(ErrorCode::invalid_argument, "can't wait for '{}'; there are {} and {}", text,
                kPublished, kPaused);
}

std::string encode_request(const ControlRequest& request) {
    json object = {{"schema", kSchema}};
    for (const VerbName& row : kVerbs) {
        if (row.verb == request.verb) object["verb"] = row.name;
    }
    if (!request.message.empty()) object["message"] = request.message;
    if (request.wait == CheckpointWait::paused) object["wait"] = kPaused;
    if (request.lease) object["lease"] = static_cast<std::uint64_t>(*request.lease);
    if (request.window) {
        object["columns"] = request.window->columns;
        object["rows"] = request.window->rows;
    }
    return line_of(object);
}

Result<ControlRequest> parse_request(std::string_view line) {
    const json object = parse_object(line);
    if (object.is_null()) {
        return fail(ErrorCode::invalid_argument, "a request is one line with one JSON object");
    }
    const std::string name = text_in(object, "verb");
    const auto wait =
        object.contains("wait") ? TRY(parse_wait(text_in(object, "wait"))) : CheckpointWait{};
    for (const VerbName& row : kVerbs) {
        if (row.name != name) continue;
        ControlRequest request{row.verb, text_in(object, "message"), wait};
        if (object.contains("lease")) request.lease = leases::LeaseId{number_in(object, "lease")};
        request.window = window_of(number_in(object, "columns"), number_in(object, "rows"));
        return request;
    }
    return fail(ErrorCode::invalid_argument, "no verb '{}'; there are {}", name, verbs());
}

std::string encode_answer(const Result<ControlAnswer>& answer) {
    json object = {{"schema", kSchema}, {"ok", answer.ok()}};
    if (!answer.ok()) {
        for (const CodeName& row : kCodes) {
            if (row.code == answer.error().code) object["error"]["code"] = row.name;
        }
        object["error"]["message"] = answer.error().message;
        return line_of(object);
    }
    object["runner"] = {{"id", answer->runner.id},
                        {"name", answer->runner.name},
                        {"pid", static_cast<std::uint64_t>(answer->runner.pid)},
                        {"epoch", static_cast<std::uint64_t>(answer->runner.epoch)}};
    if (answer->checkpoint) object["checkpoint"] = object_of(*answer->checkpoint);
    for (const leases::Lease& lease : answer->leases)
        object["leases"].push_back(object_of(lease));
    if (answer->mode) object["mode"] = text_of(*answer->mode);
    if (answer->memory) object["memory"] = object_of(*answer->memory);
    if (answer->code) object["code"] = object_of(*answer->code);
    return line_of(object);
}

Result<ControlAnswer> parse_answer(std::string_view line) {
    const json object = parse_object(line);
    const auto ok = object.find("ok");
    const auto error = object.find("error");
    if (ok == object.end() || !ok->is_boolean()) {
        return fail(ErrorCode::corrupt, "the runner's answer is not one");
    }
    if (!ok->get<bool>()) {
        return error == object.end() ? Error{ErrorCode::io, "the runner failed without a reason"}
                                     : error_in(*error);
    }
    ControlAnswer answer;
    if (const auto runner = object.find("runner"); runner != object.end()) {
        answer.runner.id = text_in(*runner, "id");
        answer.runner.name = text_in(*runner, "name");
        answer.runner.pid = static_cast<pid_t>(number_in(*runner, "pid"));
        answer.runner.epoch = store::Epoch{number_in(*runner, "epoch")};
    }
    const auto checkpoint = object.find("checkpoint");
    if (checkpoint != object.end()) answer.checkpoint = checkpoint_in(*checkpoint);
    answer.mode = mode_named(text_in(object, "mode"));
    const auto memory = object.find("memory");
    if (memory != object.end() && memory->is_object()) answer.memory = memory_in(*memory);
    const auto code = object.find("code");
    if (code != object.end() && code->is_object()) answer.code = TRY(code_in(*code));
    const auto all = object.find("leases");
    if (all == object.end() || !all->is_array()) return answer;
    for (const json& lease : *all) {
        answer.leases.push_back(TRY(lease_in(lease)));
    }
    return answer;
}

}  // namespace sojourn::process
