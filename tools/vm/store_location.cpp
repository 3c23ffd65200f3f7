#include "tools/vm/store_location.hpp"

#include <cstdlib>
#include <filesystem>

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

Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation) {
    const std::string location = TRY(store_location(invocation));
    return store::Store::open(location, {.create = false}, invocation.random);
}

std::string store_option(const Invocation& invocation) {
    return invocation.store.empty() ? "" : " --store " + invocation.store;
}

}  // namespace sojourn::tools
