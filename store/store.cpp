#include "store/store.hpp"

#include "store/internal/checkpoint_store.hpp"
#include "store/internal/memory_store.hpp"

namespace sojourn::store {

Result<std::unique_ptr<Store>> Store::open(const std::string& location, const OpenOptions& options,
                                           Random& random) {
    if (!is_unit_bytes(options.unit_bytes)) {
        return fail(ErrorCode::invalid_argument,
                    "a unit of {} bytes is not one of 4096, 16384 and 65536", options.unit_bytes);
    }
    if (location.empty()) return fail(ErrorCode::invalid_argument, "a store needs a place");
    if (location == kMemoryLocation && options.checkpoint_location.empty()) {
        return std::unique_ptr<Store>(new MemoryStore(options.unit_bytes, random));
    }
    return open_arranged(location, options, random);
}

Result<ProcessRecord> Store::create_process(const NewProcess& process) {
    const auto draft = TRY(draft_process(process));
    TRY(draft->publish());
    return draft->record();
}

}  // namespace sojourn::store
