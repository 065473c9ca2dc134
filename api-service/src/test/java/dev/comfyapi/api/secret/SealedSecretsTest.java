package dev.comfyapi.api.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;

class SealedSecretsTest {

    private static final byte[] SECRET = {1, 2, 3};

    private static String aKey(int fill) {
        var bytes = new byte[32];
        java.util.Arrays.fill(bytes, (byte) fill);
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static SealedSecrets with(@Nullable String key, String... former) {
        return new SealedSecrets(new SecretsProperties(key, null, List.of(former)));
    }

    @Test
    void what_is_sealed_opens_with_its_key_for_its_purpose_only() {
        var sealing = with(aKey(1));

        var sealed = sealing.seal(SECRET, "a");

        assertThat(sealing.open(sealed, "a")).isEqualTo(SECRET);
        assertThat(sealing.seal(SECRET, "a")).isNotEqualTo(sealed);
        assertThat(sealed).startsWith("v1.").doesNotContain("AQID");
        assertThatThrownBy(() -> sealing.open(sealed, "b"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("was changed");
        assertThatThrownBy(() -> with(aKey(2)).open(sealed, "a"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("not configured");
        assertThatThrownBy(() -> sealing.open("v9.x", "a"))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void a_former_key_opens_and_the_new_one_seals() {
        var old = with(aKey(1)).seal(SECRET, "a");
        var plain = with(null).seal(SECRET, "a");
        var sealing = with(aKey(2), aKey(1));

        assertThat(sealing.open(old, "a")).isEqualTo(SECRET);
        assertThat(sealing.open(plain, "a")).isEqualTo(SECRET);
        assertThat(with(aKey(2)).open(sealing.seal(SECRET, "a"), "a")).isEqualTo(SECRET);
    }

    @Test
    void a_key_may_be_in_a_file_and_one_that_is_none_is_refused_by_its_name(@TempDir Path folder)
            throws IOException {
        var file = Files.writeString(folder.resolve("key"), aKey(3) + "\n");
        var sealing = new SealedSecrets(new SecretsProperties(null, file, List.of()));

        assertThat(with(aKey(3)).open(sealing.seal(SECRET, "a"), "a")).isEqualTo(SECRET);
        assertThatThrownBy(() -> with("short"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("comfyapi.secrets.key")
                .hasMessageNotContaining("short");
        assertThatThrownBy(() -> new SecretsProperties(aKey(1), file, List.of()))
                .hasMessageContaining("both set");
        assertThatThrownBy(() -> with(null, aKey(1))).hasMessageContaining("without a key");
    }
}
