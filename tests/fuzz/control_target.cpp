#include "process/console_protocol.hpp"
#include "process/control_protocol.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace process;

Seeds seeds_of_control() {
    ControlAnswer answer;
    answer.runner = {"6d8aff91618b05a07714c237dc321179", "ledger", 4711, store::Epoch{2}};
    answer.checkpoint = store::CheckpointInfo{};
    const std::string lines[] = {
        encode_request({ControlVerb::checkpoint, "a good moment", CheckpointWait::paused}),
        encode_request({ControlVerb::suspend, "", CheckpointWait::published}),
        encode_answer(answer),
        encode_request(
            {.verb = ControlVerb::renew_lease, .message = {}, .lease = leases::LeaseId{7}}),
        encode_answer(ControlAnswer{.runner = answer.runner, .leases = {leases::Lease{}}}),
        encode_answer(fail(ErrorCode::store_full, "no space left")),
        encode_request(
            {.verb = ControlVerb::attach, .message = {}, .window = leases::WindowSize{100, 40}}),
        encode_answer(ControlAnswer{.runner = answer.runner, .mode = leases::TerminalMode::raw}),
        encode_answer(
            ControlAnswer{.runner = answer.runner,
                          .code = CodeUse{.engine = vm::Engine::jit, .states = {vm::CodeState{}}}}),
        encode_console_message({.input = "typed\n"}),
        encode_console_message({.window = leases::WindowSize{}}),
        encode_mode(leases::TerminalMode::raw),
    };
    Seeds seeds;
    for (const std::string& line : lines)
        seeds.push_back(to_vector(as_bytes(line)));
    return seeds;
}

void run_control(Bytes input) {
    const auto request = parse_request(as_text(input));
    if (request.ok()) {
        const auto again = parse_request(encode_request(*request));
        EXPECTS(again.ok() && again->verb == request->verb, "a request says what was parsed");
    }
    const auto answer = parse_answer(as_text(input));
    static_cast<void>(encode_answer(answer));
    const auto message = parse_console_message(as_text(input));
    if (message.ok()) {
        const auto again = parse_console_message(encode_console_message(*message));
        EXPECTS(again.ok() && again->input == message->input && again->window == message->window,
                "a message says what was parsed");
    }
    static_cast<void>(parse_mode(as_text(input)));
}

}  // namespace sojourn::fuzz
