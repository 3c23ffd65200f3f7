#include "tools/vm/store_location.hpp"

#include <cstdlib>

#include <CLI/CLI.hpp>

namespace sojourn::tools {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> store_location(const Invocation& invocation) {
    if (!invocation.store.empty()) return invocation.store;
    const std::string named = environment("SOJOURN_STORE");
    if (!named.empty()) return named;
    // The XDG specification says to ignore a relative path.
    const std::string data = environment("XDG_DATA_HOME");
    if (data.starts_with('/')) return data + "/sojourn";
    const std::string home = environment("HOME");
    if (!home.empty()) return home + "/.local/share/sojourn";
    return fail(ErrorCode::invalid_argument,
                "there is no HOME to keep a store in; give --store DIR or set SOJOURN_STORE");
}

std::filesystem::path code_secret_file() {
    constexpr const char* kFile = "sojourn/code-secret";
    const std::string state = environment("XDG_STATE_HOME");
    if (state.starts_with('/')) return std::filesystem::path(state) / kFile;
    const std::string home = environment("HOME");
    if (home.empty()) return {};
    return std::filesystem::path(home) / ".local/state" / kFile;
}

Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation) {
    const std::string location = TRY(store_location(invocation));
    return store::Store::open(location, {.create = false}, invocation.random);
}

void add_checkpoint_store_option(CLI::App& verb, Invocation& invocation) {
    verb.add_option("--checkpoint-store", invocation.checkpoint_store,
                    "Another store that keeps processes and checkpoints; --store is the place of "
                    "working heaps then, and remembers it")
        ->type_name("DIR");
}

std::string unit_text(std::size_t unit_bytes) {
    return fmt::format("{}K", unit_bytes / 1024);
}

std::string store_option(const Invocation& invocation) {
    // Nothing remembers where a heap in memory had its checkpoints.
    const bool is_in_memory = invocation.store == store::kMemoryLocation;
    const std::string& place = is_in_memory ? invocation.checkpoint_store : invocation.store;
    return place.empty() ? "" : " --store " + place;
}

}  // namespace sojourn::tools
