package dev.comfyapi.api.account;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HashSet;

class ApiKeyTest {

    @Test
    void every_key_is_new_and_read_as_it_was_made() {
        var seen = new HashSet<String>();
        for (int i = 0; i < 1_000; i++) {
            var key = ApiKey.random("live");
            assertThat(ApiKey.parse(key.text())).contains(key);
            assertThat(key.text()).contains("_" + key.lookup() + "_").contains(key.lastFour());
            assertThat(seen.add(key.lookup())).isTrue();
        }
    }

    @Test
    void any_single_typing_mistake_is_noticed() {
        var key = ApiKey.random("test").text();
        for (int i = 0; i < key.length(); i++) {
            char other = key.charAt(i) == 'a' ? 'b' : 'a';
            assertThat(ApiKey.parse(key.substring(0, i) + other + key.substring(i + 1)))
                    .as("character %d", i)
                    .isEmpty();
        }
        assertThat(ApiKey.parse(key + "0")).isEmpty();
        assertThat(ApiKey.parse("")).isEmpty();
    }

    @Test
    void a_key_does_not_show_itself_in_messages() {
        var key = ApiKey.random("live");

        assertThat(key.toString()).doesNotContain(key.lastFour()).contains(key.lookup());
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.0.1, true",
        "10.0.0.0/8, 11.0.0.1, false",
        "192.168.4.0/22, 192.168.7.255, true",
        "192.168.4.0/22, 192.168.8.0, false",
        "0.0.0.0/0, 8.8.8.8, true",
        "0.0.0.0/0, ::1, false",
        "::1, ::1, true",
        "::1, 0:0:0:0:0:0:0:1, true",
        "2001:db8::/33, 2001:db8:8000::1, false",
        "127.0.0.1, 127.0.0.1, true",
        "127.0.0.1, 127.0.0.2, false",
        "127.0.0.1, nonsense, false"
    })
    void a_network_contains_its_addresses(String network, String address, boolean contained) {
        assertThat(Network.parse(network).orElseThrow().contains(address)).isEqualTo(contained);
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0/33", "example.org", "10.0.0.0/-1", "::1/129", "10.0.0.0/"})
    void what_is_no_network_is_none(String text) {
        assertThat(Network.parse(text)).isEmpty();
    }
}
