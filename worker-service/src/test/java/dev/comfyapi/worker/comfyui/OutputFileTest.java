package dev.comfyapi.worker.comfyui;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OutputFileTest {

    @ParameterizedTest
    @CsvSource({"img_00001_.png, ''", "img_00001_.png, jobs/4711/1", "'a b (1).png', 'x y'"})
    void names_inside_the_output_folder_are_safe(String filename, String subfolder) {
        assertThat(new OutputFile("9", filename, subfolder, "output").isSafe()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "'', ''",
        "../secret, ''",
        "a/b.png, ''",
        "a\\b.png, ''",
        "C:x.png, ''",
        "x.png, ..",
        "x.png, jobs/../../etc",
        "x.png, /etc",
        "x.png, jobs//1",
        "x.png, 'jobs\\..\\..'"
    })
    void names_that_lead_elsewhere_are_not(String filename, String subfolder) {
        assertThat(new OutputFile("9", filename, subfolder, "output").isSafe()).isFalse();
    }
}
