// How people set up `orval` with the plain fetch client. It takes no header parameters unless told.
export default {
  chatkit: {
    input: "../../openapi/chat-api.yaml",
    output: {
      target: "generated/orval/api.ts",
      client: "fetch",
      headers: true,
      baseUrl: "https://chat.example.com",
    },
  },
};
