#include "process/compile_ahead.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>

#include "base/work_crew.hpp"
#include "process/internal/code_cache.hpp"
#include "vm/exec/compiled_tier.hpp"

namespace sojourn::process {

namespace {

std::uint64_t bytes_of(const vm::Function& function) {
    return function.end_offset - function.body_offset;
}

/// Those that have a body, the longest first: so that no thread has one left at the end.
std::vector<std::uint32_t> defined_functions(const vm::Module& module) {
    std::vector<std::uint32_t> functions(module.functions.size() - module.imported_functions);
    std::iota(functions.begin(), functions.end(), module.imported_functions);
    std::ranges::stable_sort(functions, std::greater(), [&](std::uint32_t index) {
        return bytes_of(module.functions[index]);
    });
    return functions;
}

class Work {
public:
    Work(const vm::Module& module, StoredCode& cache,
         const std::function<void(std::uint64_t bytes)>& progress)
        : module_(module),
          cache_(cache),
          progress_(progress),
          functions_(defined_functions(module)) {
        report_.functions = functions_.size();
    }

    /// Until nothing is left; in each thread.
    Result<void> run() {
        std::unique_ptr<vm::Compiler> compiler;
        for (std::size_t place = next_++; place < functions_.size(); place = next_++) {
            const std::uint32_t function = functions_[place];
            if (cache_.find(module_, module_.functions[function].body_offset)) {
                note(function, [this] { ++report_.present; });
                continue;
            }
            if (!compiler) compiler = TRY(loaded());
            compile(*compiler, function);
        }
        return {};
    }

    [[nodiscard]] AheadReport report() const { return report_; }

private:
    Result<std::unique_ptr<vm::Compiler>> loaded() {
        auto compiler = vm::load_compiler();
        if (!compiler.ok()) next_ = functions_.size();
        return compiler;
    }

    void compile(vm::Compiler& compiler, std::uint32_t index) {
        vm::CompiledObject object = vm::compile_function(compiler, module_, index, 0, is_unwanted_);
        note(index, [&] {
            if (!object.refusal.empty()) {
                ++report_.refused[object.refusal];
                return;
            }
            ++report_.compiled;
            report_.object_bytes += object.bytes.size();
        });
        if (object.refusal.empty())
            cache_.keep(module_, module_.functions[index].body_offset, std::move(object.bytes));
    }

    void note(std::uint32_t function, const std::function<void()>& count) {
        const std::lock_guard lock(mutex_);
        count();
        progress_(bytes_of(module_.functions[function]));
    }

    const vm::Module& module_;
    StoredCode& cache_;
    const std::function<void(std::uint64_t bytes)>& progress_;
    const std::vector<std::uint32_t> functions_;
    std::atomic<std::size_t> next_ = 0;
    const std::atomic<bool> is_unwanted_ = false;
    std::mutex mutex_;  ///< guards what follows
    AheadReport report_;
};

}  // namespace

std::uint64_t body_bytes(const vm::Module& module) {
    std::uint64_t bytes = 0;
    for (const std::uint32_t function : defined_functions(module))
        bytes += bytes_of(module.functions[function]);
    return bytes;
}

Result<AheadReport> compile_ahead(const vm::Module& module, const AheadOptions& options,
                                  const HostProcess& host,
                                  const std::function<void(std::uint64_t bytes)>& progress) {
    TRY(vm::find_compiler());
    TRY(store::Store::open(options.store_location, {}, host.random));
    const auto cache = open_code_cache(options.store_location, options.code_cache, host);
    if (!cache) {
        return fail(
            ErrorCode::invalid_argument,
            "what is compiled ahead is for the next run, and none of it would be kept: name "
            "a --store on disk and a --code-cache, and set HOME");
    }
    TRY(cache->open());
    Work work(module, *cache, progress);
    WorkCrew crew(options.threads);
    TRY(crew.share([&] { return work.run(); }));
    TRY(cache->flush());
    return work.report();
}

}  // namespace sojourn::process
