#include "process/internal/code_cache.hpp"

#include "process/code_secret.hpp"
#include "vm/compiler_identity.hpp"

namespace sojourn::process {

std::unique_ptr<StoredCode> open_code_cache(const std::string& store_location,
                                            const CodeCacheOptions& options,
                                            const HostProcess& host) {
    const bool is_kept = options.bytes_max > 0 && !options.secret_file.empty() &&
                         store_location != store::kMemoryLocation;
    if (!is_kept) return nullptr;
    StoredCode::Settings settings;
    settings.store_location = store_location;
    settings.bytes_max = options.bytes_max;
    settings.compiler = []() -> Result<Sha256> {
        return vm::compiler_identity(TRY(vm::find_compiler()));
    };
    settings.secret = [file = options.secret_file, &random = host.random] {
        return code_secret(file, random);
    };
    return std::make_unique<StoredCode>(std::move(settings), host.clock);
}

}  // namespace sojourn::process
