#include "vm/jit/llvm_compiler.hpp"

#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>

#include <fmt/format.h>

#include "vm/jit/code_dump.hpp"
#include "vm/jit/function_emitter.hpp"

namespace sojourn::vm::jit {

namespace {

Error error_of(llvm::Error error) {
    return fail(ErrorCode::unsupported, "LLVM: {}", llvm::toString(std::move(error)));
}

/// The function by which the interpreter comes in: parameters and results lie in the frame.
void emit_entry(Ir& ir, const FunctionType& type, llvm::Function& body, const std::string& name) {
    llvm::Function* const entry =
        llvm::Function::Create(ir.entry_type(), llvm::Function::ExternalLinkage, name, ir.module());
    entry->setDoesNotThrow();
    ir.SetInsertPoint(llvm::BasicBlock::Create(ir.getContext(), "entry", entry));
    llvm::Value* const slots = entry->getArg(1);
    llvm::Value* const count = ir.context_address(entry->getArg(0), ContextLayout::kSafepoints);
    std::vector<llvm::Value*> arguments{entry->getArg(0), slots, entry->getArg(2),
                                        ir.load(ir.getInt64Ty(), count, Space::poll)};
    for (llvm::Value* parameter : ir.load_slots(type.parameters, slots))
        arguments.push_back(parameter);
    llvm::CallInst* const made = ir.CreateCall(&body, arguments);
    made->setCallingConv(Ir::kBodyConvention);
    const auto [safepoints, result] = ir.returned_by(made);
    if (result != nullptr) ir.store_slot(result, slots, 0, Space::frame);
    ir.store(safepoints, count, Space::poll);
    ir.CreateRetVoid();
}

class LlvmCompiler final : public Compiler {
public:
    LlvmCompiler(std::unique_ptr<llvm::TargetMachine> target,
                 std::unique_ptr<llvm::orc::LLJIT> linker, std::unique_ptr<Onlooker> onlooker)
        : target_(std::move(target)), linker_(std::move(linker)), onlooker_(std::move(onlooker)) {}

    CompiledCode compile(const CompileUnit& unit) override {
        const BodySurvey survey = jit::survey(unit.module, unit.function);
        if (!survey.refusal.empty()) return {.refusal = survey.refusal};
        const std::uint64_t number = ++compiled_;
        const std::string body = fmt::format("body_{}", number);
        const std::string entry = fmt::format("entry_{}", number);
        const bool is_whole = unit.loop_offset == 0;

        llvm::LLVMContext context;
        llvm::Module module(entry, context);
        module.setDataLayout(target_->createDataLayout());
        module.setTargetTriple(target_->getTargetTriple().str());
        Ir ir(module);
        llvm::Function* const made =
            FunctionEmitter(ir, unit, survey).emit(is_whole ? body : entry);
        if (is_whole)
            emit_entry(ir, unit.module.function_type(unit.function.type_index), *made, entry);
        if (onlooker_) onlooker_->emitted(unit, module);
        optimize(module, unit.is_unwanted);
        if (unit.is_unwanted) return {.refusal = "it is not wanted any more"};
        if (onlooker_) onlooker_->optimized(unit, module, *target_);
        return link(module, entry, is_whole ? body : "");
    }

private:
    /// What can be left out is, as soon as nobody wants it.
    void optimize(llvm::Module& module, const std::atomic<bool>& is_unwanted) {
        llvm::PassInstrumentationCallbacks callbacks;
        callbacks.registerShouldRunOptionalPassCallback(
            [&](llvm::StringRef, llvm::Any) { return !is_unwanted; });
        llvm::LoopAnalysisManager loops;
        llvm::FunctionAnalysisManager functions;
        llvm::CGSCCAnalysisManager components;
        llvm::ModuleAnalysisManager modules;
        llvm::PassBuilder builder(target_.get(), llvm::PipelineTuningOptions(), std::nullopt,
                                  &callbacks);
        builder.registerModuleAnalyses(modules);
        builder.registerCGSCCAnalyses(components);
        builder.registerFunctionAnalyses(functions);
        builder.registerLoopAnalyses(loops);
        builder.crossRegisterProxies(loops, functions, components, modules);
        builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
    }

    CompiledCode link(llvm::Module& module, const std::string& entry, const std::string& body) {
        auto object = llvm::orc::SimpleCompiler(*target_)(module);
        if (!object) return refusal_of(object.takeError());
        if (auto error = linker_->addObjectFile(std::move(*object)))
            return refusal_of(std::move(error));
        CompiledCode code;
        auto entry_address = linker_->lookup(entry);
        if (!entry_address) return refusal_of(entry_address.takeError());
        code.entry = entry_address->toPtr<CompiledEntry>();
        if (body.empty()) return code;
        auto body_address = linker_->lookup(body);
        if (!body_address) return refusal_of(body_address.takeError());
        code.body = body_address->toPtr<const void*>();
        return code;
    }

    static CompiledCode refusal_of(llvm::Error error) {
        return {.refusal = llvm::toString(std::move(error))};
    }

    std::unique_ptr<llvm::TargetMachine> target_;
    std::unique_ptr<llvm::orc::LLJIT> linker_;
    std::unique_ptr<Onlooker> onlooker_;  ///< nullptr: nobody looks
    std::uint64_t compiled_ = 0;
};

}  // namespace

Result<std::unique_ptr<Compiler>> make_llvm_compiler(const CompilerOptions& options,
                                                     std::unique_ptr<Onlooker> onlooker) {
    // Once, whichever thread is the first.
    [[maybe_unused]] static const bool is_initialized =
        !llvm::InitializeNativeTarget() && !llvm::InitializeNativeTargetAsmPrinter();
    auto host = llvm::orc::JITTargetMachineBuilder::detectHost();
    if (!host) return error_of(host.takeError());
    host->setCodeModel(llvm::CodeModel::Small);
    host->setRelocationModel(llvm::Reloc::PIC_);
    host->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
    host->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
    auto target = host->createTargetMachine();
    if (!target) return error_of(target.takeError());
    auto linker = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(*host).create();
    if (!linker) return error_of(linker.takeError());
    if (!onlooker && options.dump != CompilerOptions::Dump::nothing)
        onlooker = std::make_unique<CodeDump>(options.dump, options.dump_folder);
    return std::unique_ptr<Compiler>(std::make_unique<LlvmCompiler>(
        std::move(*target), std::move(*linker), std::move(onlooker)));
}

}  // namespace sojourn::vm::jit
