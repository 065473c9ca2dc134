package dev.comfyapi.model.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.model.workflow.Needs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Set;

class GenerationTest {

    @Test
    void seeds_are_exact_up_to_the_largest_unsigned_number() {
        var largest = new BigInteger("18446744073709551615");

        assertThat(Seed.of(largest).orElseThrow()).hasToString("18446744073709551615");
        assertThat(Seed.of(largest).orElseThrow().toBigInteger()).isEqualTo(largest);
        assertThat(Seed.of(largest.add(BigInteger.ONE))).isEmpty();
        assertThat(Seed.of(BigInteger.valueOf(-1))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "euler, euler,",
        "euler_a, euler_ancestral,",
        "Euler a, euler_ancestral,",
        "k_euler_a, euler_ancestral,",
        "dpm_2_a, dpm_2_ancestral,",
        "dpm_plus_plus_2m, dpmpp_2m,",
        "DPM++ 2M Karras, dpmpp_2m, karras",
        "DPM++ 2M SDE (Karras), dpmpp_2m_sde, karras",
        "DPM++ 3M SDE Exponential, dpmpp_3m_sde, exponential",
        "UniPC, uni_pc,",
        "DDIM, ddim,",
        "K_HEUN, heun,",
        "LMS Karras, lms, karras",
        "DPM2 a Karras, dpm_2_ancestral, karras",
        "DPM++ 2S a Karras, dpmpp_2s_ancestral, karras",
        "Euler a SGM Uniform, euler_ancestral, sgm_uniform",
        "DPMSolverMultistep, dpmpp_2m,",
        "KarrasDPM, dpmpp_2m, karras",
        "lcm, lcm, sgm_uniform",
        "LCM, lcm, sgm_uniform",
        "DPM adaptive, dpm_adaptive,"
    })
    void samplers_are_found_by_the_names_other_tools_gave_them(
            String name, String sampler, String scheduler) {
        assertThat(SamplerNames.sampler(name, Set.of()))
                .contains(new SamplerNames.Choice(sampler, scheduler));
    }

    @Test
    void what_the_fleet_knows_is_known() {
        assertThat(SamplerNames.sampler("my_sampler", Set.of())).isEmpty();
        assertThat(SamplerNames.sampler("my_sampler", Set.of("my_sampler"))).isPresent();
        assertThat(SamplerNames.scheduler("Automatic", Set.of())).contains("normal");
        assertThat(SamplerNames.scheduler("nope", Set.of())).isEmpty();
    }

    @Test
    void loras_are_chained_between_the_checkpoint_and_its_users() {
        var graph = PictureGraph.of(request(List.of(lora("a"), lora("b")))).toJson();

        assertThat(graph.at("/lora1/inputs/model/0").stringValue()).isEqualTo("checkpoint");
        assertThat(graph.at("/lora2/inputs/model/0").stringValue()).isEqualTo("lora1");
        assertThat(graph.at("/sampler/inputs/model/0").stringValue()).isEqualTo("lora2");
        assertThat(graph.at("/positive/inputs/clip/0").stringValue()).isEqualTo("lora2");
        assertThat(graph.at("/decode/inputs/vae/0").stringValue()).isEqualTo("checkpoint");
        assertThat(graph.at("/sampler/inputs/seed").bigIntegerValue())
                .isEqualTo(new BigInteger("18446744073709551615"));
    }

    @Test
    void a_graph_needs_its_models_and_nodes() {
        var needs = Needs.of(PictureGraph.of(request(List.of(lora("a.safetensors")))), "default");

        assertThat(needs.affinity()).isEqualTo("checkpoints/sd15.safetensors");
        assertThat(needs.models())
                .containsExactly("checkpoints/sd15.safetensors", "loras/a.safetensors");
        assertThat(needs.nodes())
                .contains("KSampler", "LoraLoader", "SaveImage")
                .doesNotHaveDuplicates();
        assertThat(needs.pool()).isEqualTo(JobClass.DEFAULT_POOL);
    }

    @Test
    void a_graph_comes_back_from_bytes_as_it_was() {
        var graph = PictureGraph.of(request(List.of()));

        assertThat(Graph.parse(graph.toBytes())).isEqualTo(graph);
    }

    private static GenerationRequest.Lora lora(String name) {
        return new GenerationRequest.Lora(name, new BigDecimal("0.8"));
    }

    private static GenerationRequest request(List<GenerationRequest.Lora> loras) {
        return new GenerationRequest(
                "a fox",
                "",
                512,
                512,
                20,
                GenerationRequest.DEFAULT_CFG_SCALE,
                "euler",
                "normal",
                new Seed(-1),
                "sd15.safetensors",
                1,
                loras);
    }
}
