package dev.comfyapi.worker.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.worker.comfyui.ExecutionError;

import org.junit.jupiter.api.Test;

class FailuresTest {

    @Test
    void a_full_gpu_is_known_by_the_sentence_and_by_the_type() {
        assertThat(Failures.of(error("ValueError", "… you ran out of memory on your GPU.")).code())
                .isEqualTo(ErrorCode.OOM);
        assertThat(Failures.of(error("torch.cuda.OutOfMemoryError", "")).code())
                .isEqualTo(ErrorCode.OOM);
    }

    @Test
    void a_broken_gpu_is_known_by_its_errors() {
        assertThat(Failures.of(error("RuntimeError", "CUDA error: device-side assert")).code())
                .isEqualTo(ErrorCode.CUDA_FAULT);
    }

    @Test
    void anything_else_is_the_doing_of_the_node() {
        var error = Failures.of(error("KeyError", "'x'\n"));

        assertThat(error.code()).isEqualTo(ErrorCode.NODE_EXECUTION_ERROR);
        assertThat(error.message()).isEqualTo("'x'");
        assertThat(error.nodeId()).isEqualTo("3");
        assertThat(error.classType()).isEqualTo("KSampler");
    }

    @Test
    void folders_of_the_host_are_not_told() {
        var error =
                Failures.of(
                        error(
                                "OSError",
                                "cannot open /srv/comfy/models/vae/x.safetensors, C:\\comfy\\y.pt\0"));

        assertThat(error.message()).isEqualTo("cannot open x.safetensors, y.pt");
    }

    /// A node may say whatever it likes.
    @Test
    void a_message_of_very_many_folders_is_as_short_as_any_other() {
        var error = Failures.of(error("OSError", "x" + "/a".repeat(500_000) + "/b"));

        assertThat(error.message()).isEqualTo("xb");
    }

    private static ExecutionError error(String type, String message) {
        return new ExecutionError("3", "KSampler", type, message);
    }
}
