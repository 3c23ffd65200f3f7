#include <charconv>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/quantity.hpp"
#include "tools/vm/code_report.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/hex_dump.hpp"
#include "tools/vm/inspect_verbs.hpp"
#include "tools/vm/process_report.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

using process::StoredCheckpoint;

/// What is printed at once; the rest takes another --memory.
constexpr std::uint64_t kShownBytesMax = std::uint64_t{16} << 20U;

struct InspectArguments {
    std::string reference;
    std::vector<std::string> memory;  ///< address and length, as typed; empty: not asked for
};

struct Range {
    std::uint64_t address = 0;
    std::uint64_t length = 0;
};

/// `0x1f400` or decimal.
Result<std::uint64_t> parse_address(const std::string& text) {
    const bool is_hexadecimal = text.starts_with("0x");
    const char* first = text.data() + (is_hexadecimal ? 2 : 0);
    const char* last = text.data() + text.size();
    std::uint64_t address = 0;
    const auto [end, error] = std::from_chars(first, last, address, is_hexadecimal ? 16 : 10);
    if (error == std::errc{} && end == last && first != last) return address;
    return fail(ErrorCode::invalid_argument, "'{}' is no address; write 1024 or 0x400", text);
}

Result<Range> parse_range(const std::vector<std::string>& words) {
    Range range;
    range.address = TRY(parse_address(words[0]));
    range.length =
        words[1].starts_with("0x") ? TRY(parse_address(words[1])) : TRY(parse_size(words[1]));
    if (range.length <= kShownBytesMax) return range;
    return fail(ErrorCode::invalid_argument, "--memory shows 16M at once, not {}", words[1]);
}

/// The first memory of the program, which is the newest instance that has one.
Result<const heap::StoredHeap::Region*> memory_of(vm::StoredMachine& machine) {
    for (std::size_t i = machine.state().instances.size(); i-- > 0;) {
        const auto instance = TRY(machine.instance(i));
        if (!instance.memories.empty()) return instance.memories.front().region;
    }
    return fail(ErrorCode::not_found, "the program has no memory");
}

Result<int> show_memory(const Invocation& invocation, StoredCheckpoint& checkpoint,
                        const Range& range) {
    const auto* memory = TRY(memory_of(checkpoint.machine()));
    if (range.address > memory->size_bytes || range.length > memory->size_bytes - range.address) {
        return fail(ErrorCode::invalid_argument, "the memory ends at {:#x}", memory->size_bytes);
    }
    ByteVector bytes(range.length);
    TRY(checkpoint.heap().read(*memory, range.address, bytes));
    TRY(checkpoint.expect_there());
    if (!invocation.json) {
        TRY(write_all(STDOUT_FILENO, as_bytes(hex_dump(range.address, bytes))));
        return 0;
    }
    Json object = new_json();
    object["memory"] = {{"address", range.address}, {"bytes", to_hex(bytes)}};
    TRY(print_json(object));
    return 0;
}

Result<int> perform(const Invocation& invocation, const InspectArguments& arguments) {
    if (arguments.reference.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "inspect what? vm ps lists the processes, vm help inspect what else there is");
    }
    const auto reference = TRY(process::Reference::parse(arguments.reference));
    const auto host = host_of(invocation);
    const auto store = TRY(open_store(invocation));
    const auto checkpoint = TRY(StoredCheckpoint::open(*store, reference, host));
    if (!arguments.memory.empty())
        return show_memory(invocation, *checkpoint, TRY(parse_range(arguments.memory)));
    const bool is_of_now = reference.checkpoint.empty();
    const auto code =
        is_of_now ? ask_for_code(store->run_directory(), checkpoint->process()) : std::nullopt;
    if (!invocation.json) {
        TRY(print_process(*checkpoint, invocation.clock));
        if (code) TRY(print_code(*code, checkpoint->machine()));
        return 0;
    }
    Json object = TRY(json_of(*checkpoint, invocation.clock));
    object["code"] = code ? json_of(*code, checkpoint->machine()) : Json();
    TRY(checkpoint->expect_there());
    TRY(print_json(object));
    return 0;
}

}  // namespace

void add_inspect_process(CLI::App& verb, Invocation& invocation) {
    auto arguments = std::make_shared<InspectArguments>();
    verb.add_option("process", arguments->reference,
                    "NAME, or NAME@ID for an older checkpoint than the newest")
        ->type_name("N[@ID]");
    verb.add_option("--memory", arguments->memory,
                    "Show so many bytes of the program's memory, from an address on: 0x400 64K")
        ->type_name("ADDR LEN")
        ->expected(2);
    give_examples(verb,
                  {{"vm inspect job", "where it stands, what its locals hold, what it has open"},
                   {"vm inspect job@7 --json", "an older checkpoint, for scripts"},
                   {"vm inspect job --memory 0x400 256", "bytes of its memory"},
                   {"vm inspect module prog.wasm", "a program, without a process"}});
    verb.callback([&verb, arguments, &invocation] {
        if (!verb.get_subcommands().empty()) return;
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
