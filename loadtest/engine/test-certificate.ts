/**
 * A self-signed certificate for localhost and 127.0.0.1, valid until 2126, and its key: for tests, and of no worth.
 * Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,IP:127.0.0.1`.
 */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUNoWaxOTksgQGZOYmat86lUufb7swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE1MjIwM1oYDzIxMjYxMDMw
MTUyMjAzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQTH3BHHYBZbYs75Vup1dtgS6IV+InynhL3iwwVDaLbkeHJwqAdad5Q
kjsVcyE/s5RhtTXlgqGdvjVqar3ltKO2o28wbTAdBgNVHQ4EFgQUz7rygpgZYrEX
5R17rGMuv0WutyswHwYDVR0jBBgwFoAUz7rygpgZYrEX5R17rGMuv0WutyswGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIgThly5SwlvVmKUAgMiDyAO8E1kEIclLpFRgMns5rOUlcCIQCm
fIsnSx2DJheLKqJaWzlMQO/UqfeYg3/zjT9B0zBr+A==
-----END CERTIFICATE-----
`;

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1jigk40+O3kObvwb
+tRbtG9AbQ6SAUJ4CkKhvCJ6R1ehRANCAAQTH3BHHYBZbYs75Vup1dtgS6IV+Iny
nhL3iwwVDaLbkeHJwqAdad5QkjsVcyE/s5RhtTXlgqGdvjVqar3ltKO2
-----END PRIVATE KEY-----
`;
