#include "vm/jit/llvm_compiler.hpp"

#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h>
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
void emit_entry(Ir& ir, const FunctionType& type, llvm::Function& body) {
    llvm::Function* const entry = llvm::Function::Create(
        ir.entry_type(), llvm::Function::ExternalLinkage, kEntrySymbol, ir.module());
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

/// With which debuggers find callers; nobody else looks at them.
void add_unwind_tables(llvm::Module& module) {
    for (llvm::Function& function : module) {
        if (!function.isDeclaration()) function.setUWTableKind(llvm::UWTableKind::Async);
    }
}

class LlvmCompiler final : public Compiler {
public:
    LlvmCompiler(std::unique_ptr<llvm::TargetMachine> target, std::unique_ptr<Onlooker> onlooker)
        : target_(std::move(target)), onlooker_(std::move(onlooker)) {}

    std::string refusal(const Module& module, const Function& function) override {
        return jit::survey(module, function).refusal;
    }

    CompiledObject compile(const CompileUnit& unit) override {
        const BodySurvey survey = jit::survey(unit.module, unit.function);
        if (!survey.refusal.empty()) return {.refusal = survey.refusal};
        const bool is_whole = unit.loop_offset == 0;

        llvm::LLVMContext context;
        llvm::Module module("unit", context);
        module.setDataLayout(target_->createDataLayout());
        module.setTargetTriple(target_->getTargetTriple().str());
        Ir ir(module);
        llvm::Function* const made =
            FunctionEmitter(ir, unit, survey).emit(is_whole ? kBodySymbol : kEntrySymbol);
        if (is_whole) emit_entry(ir, unit.module.function_type(unit.function.type_index), *made);
        add_unwind_tables(module);
        if (onlooker_) onlooker_->emitted(unit, module);
        optimize(module, unit.is_unwanted);
        if (unit.is_unwanted) return {.refusal = "it is not wanted any more"};
        if (onlooker_) onlooker_->optimized(unit, module, *target_);
        auto object = llvm::orc::SimpleCompiler(*target_)(module);
        if (!object) return {.refusal = llvm::toString(object.takeError())};
        const Bytes bytes = as_bytes((*object)->getBuffer());
        return {.bytes = {bytes.begin(), bytes.end()}};
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

    std::unique_ptr<llvm::TargetMachine> target_;
    std::unique_ptr<Onlooker> onlooker_;  ///< nullptr: nobody looks
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
    if (!onlooker && options.dump != CompilerOptions::Dump::nothing)
        onlooker = std::make_unique<CodeDump>(options.dump, options.dump_folder);
    return std::unique_ptr<Compiler>(
        std::make_unique<LlvmCompiler>(std::move(*target), std::move(onlooker)));
}

}  // namespace sojourn::vm::jit
